"""Pod templates that more than one module's stories use."""

import json

from world import RAY_VERSION


def code_template(container, memory, config_map, environment, indent):
    """One CPU and the code of a ConfigMap to import, with the first line indented by so much, as
    all others are. Serve on it would drain for half a minute when it ends."""
    variables = [{"name": name, "value": value} for name, value in
                 ({"PYTHONPATH": "/code"} | environment).items()]
    lines = f"""\
template:
  spec:
    terminationGracePeriodSeconds: 3
    containers:
      - name: {container}
        image: rayproject/ray:{RAY_VERSION}
        env: {json.dumps(variables)}
        resources:
          limits: {{cpu: "1", memory: {memory}}}
        volumeMounts:
          - {{name: code, mountPath: /code}}
    volumes:
      - name: code
        configMap: {{name: {config_map}}}
""".splitlines(keepends=True)
    return "".join(" " * indent + line for line in lines)

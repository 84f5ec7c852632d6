"""Who was ever there: a thread that looks at the pods of some Ray clusters."""

import threading

LOOK_SECONDS = 0.1


class PodWatch(threading.Thread):
    """Every pod of these Ray clusters that was ever seen: uids by name."""

    def __init__(self, story, clusters):
        super().__init__(daemon=True)
        self._story = story
        self._selector = f"ray.io/cluster in ({','.join(clusters)})"
        self._ends = threading.Event()
        self.seen = {}
        self.start()
        story.addCleanup(self.end)

    def run(self):
        while not self._ends.wait(LOOK_SECONDS):
            try:
                pods = self._story.api.list("pods", self._story.namespace, self._selector)
            except OSError:
                continue  # an outage
            for pod in pods:
                meta = pod["metadata"]
                self.seen.setdefault(meta["name"], set()).add(meta["uid"])

    def end(self):
        self._ends.set()
        self.join()

    def assert_made_once(self, expected):
        """These pods, each of them once, and no other."""
        self.end()
        again = {name: found for name, found in self.seen.items() if len(found) > 1}
        self._story.assertEqual({}, again, "made twice")
        self._story.assertEqual(set(expected), set(self.seen))

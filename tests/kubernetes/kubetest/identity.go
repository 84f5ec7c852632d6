package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Who may come in: a token, `<short name>-token`, and a kubeconfig each. What the controllers may
// do is in Kubernetes' own roles for these names; nobody has given alice any right.
var users = []struct{ name, group string }{
	{"admin", "system:masters"},
	{"kwok", "system:masters"},
	{"system:kube-controller-manager", ""},
	{"system:kube-scheduler", ""},
	{"alice", "developers"},
}

func shortName(user string) string { return strings.TrimPrefix(user, "system:") }

type signer struct {
	folder      string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// makeIdentities writes into folder: ca.crt, the server's apiserver.{crt,key}, an administrator's
// client certificate admin.{crt,key}, and sa.{key,pub}, which sign the tokens of service accounts.
// What is there already stays, so that a state directory may be started again.
func makeIdentities(folder string, host net.IP) error {
	if _, err := os.Stat(filepath.Join(folder, "sa.pub")); err == nil {
		return nil
	}
	ca := signer{folder: folder}
	steps := []struct {
		name        string
		certificate x509.Certificate
	}{
		{"ca", x509.Certificate{Subject: pkix.Name{CommonName: "kubetest"}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}},
		{"apiserver", x509.Certificate{Subject: pkix.Name{CommonName: "kube-apiserver"},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			DNSNames:    []string{"localhost", "kubernetes.default.svc"},
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1), host}}},
		{"admin", x509.Certificate{Subject: pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}},
	}
	for _, step := range steps {
		if err := ca.sign(step.name, &step.certificate); err != nil {
			return err
		}
	}
	return writeTokenKey(folder)
}

// The first that it signs is its own.
func (s *signer) sign(name string, wanted *x509.Certificate) error {
	key, err := writeNewKey(filepath.Join(s.folder, name+".key"))
	if err != nil {
		return err
	}
	if s.key == nil {
		s.key, s.certificate = key, wanted
	}
	wanted.NotBefore = time.Now().Add(-time.Minute)
	wanted.NotAfter = wanted.NotBefore.AddDate(1, 0, 0)
	if wanted.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, wanted, s.certificate, key.Public(), s.key)
	if err != nil {
		return err
	}
	if s.key == key {
		if s.certificate, err = x509.ParseCertificate(der); err != nil {
			return err
		}
	}
	return writePEM(filepath.Join(s.folder, name+".crt"), "CERTIFICATE", der)
}

func writeTokenKey(folder string) error {
	key, err := writeNewKey(filepath.Join(folder, "sa.key"))
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	return writePEM(filepath.Join(folder, "sa.pub"), "PUBLIC KEY", der)
}

func writeNewKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePEM(path, "EC PRIVATE KEY", der)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

const kubeconfig = `apiVersion: v1
kind: Config
current-context: kubetest
contexts:
- name: kubetest
  context:
    cluster: kubetest
    user: %[3]s
clusters:
- name: kubetest
  cluster:
    server: %[1]s
    certificate-authority: %[2]s/ca.crt
users:
- name: %[3]s
  user:
    token: %[3]s-token
`

// writeUsers writes tokens.csv, which the server reads when it starts, and `<short name>.kubeconfig`.
func writeUsers(folder, url string) error {
	var tokens strings.Builder
	for uid, user := range users {
		name := shortName(user.name)
		fmt.Fprintf(&tokens, "%s-token,%s,%d,%q\n", name, user.name, uid, user.group)
		text := fmt.Sprintf(kubeconfig, url, folder, name)
		if err := os.WriteFile(filepath.Join(folder, name+".kubeconfig"), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "tokens.csv"), []byte(tokens.String()), 0o600)
}

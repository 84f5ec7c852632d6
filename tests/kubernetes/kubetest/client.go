package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// client is the administrator.
type client struct {
	url  string
	http http.Client
}

func newClient(url, identities string) (*client, error) {
	ca, err := os.ReadFile(filepath.Join(identities, "ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	return &client{url, http.Client{Timeout: 5 * time.Second, Transport: transport}}, nil
}

func (c *client) send(method, path string, body []byte) (int, string, error) {
	request, err := http.NewRequest(method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", "Bearer admin-token")
	request.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

func (c *client) isThere(path string) bool {
	status, _, err := c.send(http.MethodGet, path, nil)
	return err == nil && status == http.StatusOK
}

// create takes an object that is there already for made.
func (c *client) create(path string, body []byte) error {
	status, text, err := c.send(http.MethodPost, path, body)
	if err == nil && status != http.StatusCreated && status != http.StatusConflict {
		err = fmt.Errorf("POST %s: HTTP %d: %s", path, status, text)
	}
	return err
}

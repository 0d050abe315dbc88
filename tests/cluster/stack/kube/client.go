package kube

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Content types of the three kinds of PATCH the tests use.
const (
	MergePatch     = "application/merge-patch+json"
	StrategicPatch = "application/strategic-merge-patch+json"
	JSONPatch      = "application/json-patch+json"
)

// Client talks to one API server with one token.
type Client struct {
	URL   string
	token string
	http  *http.Client
}

// NewClient trusts the certificate authority in PEM and sends token with every request.
func NewClient(url, token string, authority []byte) (*Client, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, errors.New("the certificate authority is not PEM")
	}
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 16,
	}
	return &Client{URL: url, token: token, http: &http.Client{Transport: transport}}, nil
}

// StatusError is an answer other than 2xx, with the server's own words.
type StatusError struct {
	Code    int
	Message string
}

func (e *StatusError) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

// HasCode says whether err is the server's answer with that status.
func HasCode(err error, code int) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Code == code
}

// Path is the address of a collection ("" as name) or of one object, and of its subresource.
// A group of "" is the core group; a namespace of "" means cluster-scoped or all namespaces.
func Path(apiVersion, namespace, plural, name string, subresource ...string) string {
	prefix := "/apis/"
	if !strings.Contains(apiVersion, "/") {
		prefix = "/api/"
	}
	parts := []string{prefix + apiVersion}
	if namespace != "" {
		parts = append(parts, "namespaces", namespace)
	}
	parts = append(parts, plural)
	if name != "" {
		parts = append(parts, name)
	}
	return strings.Join(append(parts, subresource...), "/")
}

// Get reads an object or a list.
func (c *Client) Get(ctx context.Context, path string) (Object, error) {
	return c.send(ctx, http.MethodGet, path, "", nil)
}

// List reads the items of a collection.
func (c *Client) List(ctx context.Context, path string) ([]Object, error) {
	list, err := c.Get(ctx, path)
	return Items(list, "items"), err
}

// Create posts an object to a collection.
func (c *Client) Create(ctx context.Context, path string, object any) (Object, error) {
	return c.send(ctx, http.MethodPost, path, "application/json", object)
}

// CreateYAML posts one YAML document to a collection of kinds that are built in.
func (c *Client) CreateYAML(ctx context.Context, path string, document []byte) (Object, error) {
	return c.send(ctx, http.MethodPost, path, "application/yaml", document)
}

// Patch changes an object; kind is one of the content types above.
func (c *Client) Patch(ctx context.Context, path, kind string, patch any) (Object, error) {
	return c.send(ctx, http.MethodPatch, path, kind, patch)
}

// Delete removes an object at once: its finalisers and its pods' grace time aside.
func (c *Client) Delete(ctx context.Context, path string) error {
	options := Object{"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
	_, err := c.send(ctx, http.MethodDelete, path, "application/json", options)
	return err
}

func (c *Client) send(ctx context.Context, method, path, contentType string, body any) (Object, error) {
	response, err := c.open(ctx, method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var object Object
	if json.Unmarshal(data, &object) != nil {
		object = Object{"text": string(data)}
	}
	return object, nil
}

// open sends a request and turns every answer other than 2xx into a StatusError.
func (c *Client) open(ctx context.Context, method, path, contentType string, body any) (*http.Response, error) {
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case []byte: // written down already
		reader = bytes.NewReader(body)
	default:
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.URL+path, reader)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	message := string(text)
	var status Object
	if json.Unmarshal(text, &status) == nil && Text(status, "message") != "" {
		message = Text(status, "message")
	}
	return nil, fmt.Errorf("%s %s: %w", method, path, &StatusError{Code: response.StatusCode, Message: message})
}

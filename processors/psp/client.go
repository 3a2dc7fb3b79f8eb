package psp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// MaxResponse is the largest answer read from a PSP, in bytes. A longer one is an unknown outcome.
const MaxResponse = 64 << 10

// Client makes the HTTP calls of an adapter: keep-alive connections, one deadline for a call, answers of bounded size,
// and errors that tell a request that was never sent from one whose outcome is unknown.
type Client struct {
	base      *url.URL
	header    http.Header // of every call; never changed
	timeout   time.Duration
	transport *Transport
	buffers   sync.Pool // *bytes.Buffer
}

// HTTPConfig of a Client.
type HTTPConfig struct {
	BaseURL     string
	Header      http.Header   // sent with every call: authentication
	Timeout     time.Duration // of a whole call; 10 s where zero
	DialTimeout time.Duration // a third of Timeout where zero, so that a dead host is told from a lost answer
	Connections int           // kept alive and at most open; DefaultConcurrency where zero
}

// DefaultTimeout of a call to a PSP.
const DefaultTimeout = 10 * time.Second

// NewClient checks the address and prepares the connection pool. It opens nothing.
func NewClient(cfg HTTPConfig) (*Client, error) {
	base, err := parseAddress(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	base.Path = strings.TrimRight(base.Path, "/")
	transport, err := NewTransport(cfg)
	if err != nil {
		return nil, err
	}
	setDefault(&cfg.Timeout, DefaultTimeout)
	return &Client{
		base: base, header: cfg.Header.Clone(), timeout: cfg.Timeout, transport: transport,
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}, nil
}

// Close closes the idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// HTTPRequest is one call of a Client.
type HTTPRequest struct {
	Method   string
	Path     string // below the address; percent-encoded
	RawQuery string
	Header   http.Header // of this call, besides those of every call
	Body     []byte      // nil: none
}

// Call sends JSON and hands the status and the body to read, which must not keep the body. A key, where it is not
// empty, travels as Idempotency-Key.
//
// An error wraps ErrNotSent or ErrUnknown, unless it is one that read returned.
func (c *Client) Call(ctx context.Context, method, path, key string, body []byte, read func(status int, body []byte) error) error {
	header := http.Header{}
	if key != "" {
		header["Idempotency-Key"] = []string{key}
	}
	if body != nil {
		header["Content-Type"] = []string{"application/json"}
	}
	return c.Send(ctx, &HTTPRequest{Method: method, Path: path, Header: header, Body: body}, read)
}

// Send is Call for a request of any form. It is sent once at most, and redirects are not followed.
func (c *Client) Send(ctx context.Context, r *HTTPRequest, read func(status int, body []byte) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := c.request(ctx, r)
	if err != nil {
		return fmt.Errorf("%w: path %.64q: %w", ErrNotSent, r.Path, err)
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return err
	}
	buffer := c.buffers.Get().(*bytes.Buffer)
	defer func() {
		buffer.Reset()
		c.buffers.Put(buffer)
	}()
	_, err = buffer.ReadFrom(io.LimitReader(response.Body, MaxResponse+1))
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("%w: reading the answer: %w", ErrUnknown, err)
	}
	if buffer.Len() > MaxResponse {
		return fmt.Errorf("%w: the answer is longer than %d bytes", ErrUnknown, MaxResponse)
	}
	return read(response.StatusCode, buffer.Bytes())
}

// request is what http.NewRequestWithContext makes, without parsing the address for every call.
func (c *Client) request(ctx context.Context, r *HTTPRequest) (*http.Request, error) {
	header := make(http.Header, len(c.header)+len(r.Header))
	for name, values := range c.header {
		header[name] = values
	}
	for name, values := range r.Header {
		header[name] = values
	}
	target := *c.base
	path, err := url.PathUnescape(r.Path)
	if err != nil {
		return nil, err
	}
	if path != r.Path {
		target.RawPath = target.EscapedPath() + r.Path
	}
	target.Path += path
	target.RawQuery = r.RawQuery
	request := &http.Request{
		Method: r.Method, URL: &target, Host: c.base.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if body := r.Body; body != nil {
		request.ContentLength = int64(len(body))
		request.Body = io.NopCloser(bytes.NewReader(body))
	}
	return request.WithContext(ctx), nil
}

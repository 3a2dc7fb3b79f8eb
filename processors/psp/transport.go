package psp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// parseAddress reads the address of a PSP.
func parseAddress(address string) (*url.URL, error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("PSP address %q: want http://host[:port] or https://", address)
	}
	return base, nil
}

// Transport is the connection pool of one PSP. A request with a body goes over one connection, once, whatever key it has: net/http
// would repeat it by itself when a kept-alive connection dies, and the fate of the repeat would be told as that of the request.
type Transport struct {
	pool *http.Transport
}

// NewTransport checks the address and makes the connection pool of one PSP. It opens nothing.
func NewTransport(cfg HTTPConfig) (*Transport, error) {
	base, err := parseAddress(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	setDefault(&cfg.Timeout, DefaultTimeout)
	setDefault(&cfg.DialTimeout, cfg.Timeout/3)
	setDefault(&cfg.Connections, DefaultConcurrency)
	dialer := &net.Dialer{Timeout: cfg.DialTimeout, KeepAlive: 30 * time.Second}
	return &Transport{&http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: cfg.DialTimeout,
		MaxIdleConns: cfg.Connections, MaxIdleConnsPerHost: cfg.Connections, IdleConnTimeout: 90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10, DisableCompression: true, ForceAttemptHTTP2: base.Scheme == "https",
	}}, nil
}

// CloseIdleConnections closes the connections that no request uses.
func (t *Transport) CloseIdleConnections() { t.pool.CloseIdleConnections() }

// RoundTrip implements http.RoundTripper. Its error wraps ErrNotSent where the request never had a connection to be written to,
// so that nothing of it can have arrived, and ErrUnknown in every other case, whatever the error says.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var w writing
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), w.trace()))
	r.GetBody = nil
	response, err := t.pool.RoundTrip(r)
	switch {
	case err != nil && !w.connected.Load():
		return nil, fmt.Errorf("%w: %w", ErrNotSent, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	case w.repeated.Load():
		_ = response.Body.Close() // what a repeat is answered says nothing of the first
		return nil, fmt.Errorf("%w: the connection was lost, and a repeat was answered %d", ErrUnknown, response.StatusCode)
	}
	return response, nil
}

// writing is how far a request has come. net/http still repeats one without a body, over another connection.
type writing struct {
	connected, begun, repeated atomic.Bool // it has a connection; some of it may have been written; and then it had another one
}

func (w *writing) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			w.connected.Store(true)
			if w.begun.Load() {
				w.repeated.Store(true)
			}
		},
		WroteHeaderField: func(string, []string) { w.begun.Store(true) }, // before the header is flushed
	}
}

// Bounded fails the reading of an answer that is longer than most bytes. It is for libraries that read all of it.
func Bounded(next http.RoundTripper, most int64) http.RoundTripper { return bounded{next, most} }

type bounded struct {
	next http.RoundTripper
	most int64
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err == nil {
		response.Body = &boundedBody{response.Body, b.most}
	}
	return response, err
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

var errTooLong = errors.New("the answer is too long")

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLong
	}
	return n, err
}

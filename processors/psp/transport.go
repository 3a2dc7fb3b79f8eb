package psp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
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

// NewTransport checks the address and makes the connection pool of one PSP. It opens nothing.
func NewTransport(cfg HTTPConfig) (*http.Transport, error) {
	base, err := parseAddress(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	setDefault(&cfg.Timeout, DefaultTimeout)
	setDefault(&cfg.DialTimeout, cfg.Timeout/3)
	setDefault(&cfg.Connections, DefaultConcurrency)
	dialer := &net.Dialer{Timeout: cfg.DialTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: cfg.DialTimeout,
		MaxIdleConns: cfg.Connections, MaxIdleConnsPerHost: cfg.Connections, IdleConnTimeout: 90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10, DisableCompression: true, ForceAttemptHTTP2: base.Scheme == "https",
	}, nil
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

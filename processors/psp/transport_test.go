package psp

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// peer is a PSP that is all we know of the wire: serve gets its connections, one after another, until the test ends.
type peer struct {
	net.Listener
	performed atomic.Int32 // requests that were read whole
}

func newPeer(t *testing.T, serve func(*peer, net.Conn)) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{Listener: l}
	t.Cleanup(func() { _ = p.Close() })
	go func() {
		for {
			c, err := p.Accept()
			if err != nil {
				return
			}
			serve(p, c)
			_ = c.Close()
		}
	}()
	return p
}

// perform reads a request whole.
func (p *peer) perform(r *bufio.Reader) error {
	request, err := http.ReadRequest(r)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, request.Body); err != nil {
		return err
	}
	p.performed.Add(1)
	return nil
}

func say(w io.Writer, status int) {
	_, _ = fmt.Fprintf(w, "HTTP/1.1 %d Said\r\nContent-Length: 2\r\n\r\n{}", status) // whoever is gone does not hear it
}

func client(t *testing.T, cfg HTTPConfig) *Client {
	t.Helper()
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// refusal is an adapter's reading of a PSP that says with 403 that it performed nothing.
func refusal(status int, _ []byte) error {
	switch status {
	case http.StatusForbidden:
		return ErrNotSent
	case http.StatusOK:
		return nil
	}
	return fmt.Errorf("%w: answered %d", ErrUnknown, status)
}

// TestWhatWasWrittenIsNeverNotSent: a kept-alive connection dies once the PSP has performed a request. Whatever becomes of a repeat
// that net/http makes by itself, the request is unknown.
func TestWhatWasWrittenIsNeverNotSent(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		body   []byte
		gone   bool // nobody answers from then on; otherwise it says 403 to whoever comes
	}{
		"and nobody listens any more":                {http.MethodPost, []byte("{}"), true},
		"and another one refuses":                    {http.MethodPost, []byte("{}"), false},
		"without a body, and nobody listens":         {http.MethodPost, nil, true},
		"without a body, and another one refuses":    {http.MethodPost, nil, false},
		"asked by GET, and nobody listens any more":  {http.MethodGet, nil, true},
		"asked by GET, and another one refuses what": {http.MethodGet, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			first := true
			p := newPeer(t, func(p *peer, conn net.Conn) {
				r := bufio.NewReader(conn)
				if !first {
					if _, err := http.ReadRequest(r); err == nil {
						say(conn, http.StatusForbidden)
					}
					return
				}
				first = false
				if p.perform(r) == nil {
					say(conn, http.StatusOK)
				}
				if p.perform(r) == nil && c.gone {
					_ = p.Close()
				}
			})
			a := client(t, HTTPConfig{BaseURL: "http://" + p.Addr().String()})
			if err := a.Call(t.Context(), c.method, "/x", "k1", c.body, refusal); err != nil {
				t.Fatal(err)
			}
			err := a.Call(t.Context(), c.method, "/x", "k2", c.body, refusal)
			if p.performed.Load() != 2 {
				t.Fatalf("%d requests were performed, want 2", p.performed.Load())
			}
			if !errors.Is(err, ErrUnknown) || NotSent(err) {
				t.Errorf("it was performed, and the call says: %v", err)
			}
		})
	}
}

// TestUnansweredIsUnknown: a fresh connection was had, and no answer came over it that can be read.
func TestUnansweredIsUnknown(t *testing.T) {
	const silent = "silent"
	for name, serve := range map[string]func(*peer, net.Conn){
		"closed at once":   func(*peer, net.Conn) {},
		"closed when read": func(p *peer, c net.Conn) { _ = p.perform(bufio.NewReader(c)) },
		silent:             func(p *peer, c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"no HTTP":          func(p *peer, c net.Conn) { _, _ = io.WriteString(c, "220 mail\r\n") },
		"cut off":          func(p *peer, c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n{") },
		"elsewhere": func(p *peer, c net.Conn) {
			_ = p.perform(bufio.NewReader(c))
			_, _ = io.WriteString(c, "HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := HTTPConfig{BaseURL: "http://" + newPeer(t, serve).Addr().String(), Timeout: time.Minute}
			if name == silent {
				config.Timeout, config.DialTimeout = 3*time.Second, 3*time.Second // the connection is had before
			}
			a := client(t, config)
			if err := a.Call(t.Context(), http.MethodPost, "/x", "k", []byte("{}"), refusal); !errors.Is(err, ErrUnknown) || NotSent(err) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestNotSentIsProven: no connection to write to was ever had.
func TestNotSentIsProven(t *testing.T) {
	certified := httptest.NewTLSServer(http.NotFoundHandler()) // by nobody whom we trust
	defer certified.Close()
	silent := newPeer(t, func(_ *peer, c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	proxy := newPeer(t, func(p *peer, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			say(c, http.StatusForbidden)
		}
	})
	gone := newPeer(t, nil)
	_ = gone.Close()
	for name, c := range map[string]struct{ address, proxy string }{
		"nobody listens":        {"http://" + gone.Addr().String(), ""},
		"no such host":          {"http://psp.invalid", ""},
		"no trust":              {certified.URL, ""},
		"no handshake":          {"https://" + silent.Addr().String(), ""},
		"a proxy lets none out": {"https://psp.invalid", "http://" + proxy.Addr().String()},
	} {
		t.Run(name, func(t *testing.T) {
			a := client(t, HTTPConfig{BaseURL: c.address, Timeout: 300 * time.Millisecond})
			if c.proxy != "" {
				address, err := url.Parse(c.proxy)
				if err != nil {
					t.Fatal(err)
				}
				a.transport.pool.Proxy = http.ProxyURL(address)
			}
			if err := a.Call(t.Context(), http.MethodPost, "/x", "k", []byte("{}"), refusal); !NotSent(err) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Frames of HTTP/2, and the error that a stream was not looked at.
const (
	frameHeaders, frameReset, frameSettings, frameGoAway = 1, 3, 4, 7
	refusedStream                                        = 7
)

// frame is one of HTTP/2 with a payload of 32-bit numbers.
func frame(kind, flags byte, stream uint32, numbers ...uint32) []byte {
	var payload []byte
	for _, n := range numbers {
		payload = binary.BigEndian.AppendUint32(payload, n)
	}
	head := []byte{0, 0, byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(head, stream), payload...)
}

// TestHTTP2IsNotRepeated: the PSP hands the stream back, or says goodbye, and is gone for the repeat that net/http would make.
func TestHTTP2IsNotRepeated(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	for name, last := range map[string]func(stream uint32) []byte{
		"refused":      func(stream uint32) []byte { return frame(frameReset, 0, stream, refusedStream) },
		"said goodbye": func(uint32) []byte { return frame(frameGoAway, 0, 0, 0, 0) },
		"died":         func(uint32) []byte { return nil },
		"refused and out": func(stream uint32) []byte {
			return append(frame(frameReset, 0, stream, refusedStream), frame(frameGoAway, 0, 0, 0, 0)...)
		},
	} {
		for _, body := range [][]byte{[]byte("{}"), nil} {
			t.Run(fmt.Sprintf("%s, %d bytes", name, len(body)), func(t *testing.T) {
				p := newPeer(t, func(p *peer, raw net.Conn) {
					c := tls.Server(raw, &tls.Config{Certificates: certified.TLS.Certificates, NextProtos: []string{"h2"}})
					head := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
					if _, err := io.ReadFull(c, head); err != nil {
						return
					}
					_, _ = c.Write(frame(frameSettings, 0, 0))
					for head = head[:9]; ; {
						if _, err := io.ReadFull(c, head); err != nil {
							return
						}
						if _, err := io.CopyN(io.Discard, c, int64(head[0])<<16|int64(head[1])<<8|int64(head[2])); err != nil {
							return
						}
						if head[3] == frameHeaders {
							p.performed.Add(1)
							_ = p.Close()
							_, _ = c.Write(last(binary.BigEndian.Uint32(head[5:])))
							_ = c.CloseWrite()
							return
						}
					}
				})
				a := client(t, HTTPConfig{BaseURL: "https://" + p.Addr().String()})
				a.transport.pool.TLSClientConfig = certified.Client().Transport.(*http.Transport).TLSClientConfig
				err := a.Call(t.Context(), http.MethodPost, "/x", "k", body, refusal)
				if p.performed.Load() != 1 || !errors.Is(err, ErrUnknown) || NotSent(err) {
					t.Errorf("performed %d times; %v", p.performed.Load(), err)
				}
			})
		}
	}
}

package chaos

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
)

// Fault is what a trap does to the connection in which it fires.
type Fault int

const (
	// LoseRequest cuts the connection before the server has seen the request: it does not happen, and the client cannot
	// know. What was read together with the request is lost too.
	LoseRequest Fault = iota
	// LoseAnswer passes the request on, waits for the server's answer, keeps it and cuts the connection: it happened, and
	// the client cannot know.
	LoseAnswer
	// Mute passes the request on and from then on nothing back, with the connection open: the client finds out by its own
	// timeout. It lasts until the client gives up or the test cuts.
	Mute
)

// Trap waits for its request.
type Trap struct {
	match Matcher
	left  int // matches to let pass
	fault Fault
	fired chan struct{}
	once  sync.Once
}

// Fired is closed when the trap has fired and the connection, except with Mute, is cut.
func (t *Trap) Fired() <-chan struct{} { return t.fired }

func (t *Trap) fire() { t.once.Do(func() { close(t.fired) }) }

// watch looks for the proxy's trap in what one client sends.
type watch struct {
	proxy  *Proxy
	link   *link
	trap   *Trap // the one that search belongs to
	search func([]byte) int
}

// look returns the trap when it fires in piece. It fires once for all connections, and the link suffers before the piece
// goes on, so that no answer to it slips through.
func (w *watch) look(piece []byte) *Trap {
	w.proxy.mu.Lock()
	defer w.proxy.mu.Unlock()
	if w.proxy.trap != w.trap {
		w.trap, w.search = w.proxy.trap, nil
		if w.trap != nil {
			w.search = w.trap.match()
		}
	}
	if w.trap == nil {
		return nil
	}
	w.trap.left -= w.search(piece)
	if w.trap.left >= 0 {
		return nil
	}
	w.proxy.trap = nil
	w.link.suffer(w.trap.fault)
	return w.trap
}

// Matcher makes, for each connection, a function that is given what passes in pieces and returns how many requests of the
// wanted kind begin or end in the piece.
type Matcher func() func(piece []byte) int

// Bytes matches a pattern, also where it is split between pieces.
func Bytes(pattern []byte) Matcher {
	return func() func([]byte) int {
		var tail []byte // of what passed, shorter than the pattern
		return func(piece []byte) int {
			seen, matches := append(tail, piece...), 0
			for at := bytes.Index(seen, pattern); at >= 0; at = bytes.Index(seen, pattern) {
				seen, matches = seen[at+len(pattern):], matches+1
			}
			tail = bytes.Clone(seen[max(0, len(seen)-len(pattern)+1):])
			return matches
		}
	}
}

// Prepared matches the execution of a statement that pgx has prepared, as it does with those of batches: it names them by a hash.
func Prepared(sql string) Matcher {
	digest := sha256.Sum256([]byte(sql))
	return Bytes(fmt.Appendf(nil, "\x00stmtcache_%x\x00", digest[:24])) // of no portal: a Bind, not the Parse
}

// KafkaRequest matches Kafka requests by their key, such as 26 for EndTxn, once their header has passed.
func KafkaRequest(key int16) Matcher {
	const header = 4 + 2 // length, which does not count itself, and key
	return func() func([]byte) int {
		var head []byte
		body := 0 // bytes of the current request still to pass
		return func(piece []byte) int {
			matches := 0
			for len(piece) > 0 {
				if body > 0 {
					n := min(body, len(piece))
					piece, body = piece[n:], body-n
					continue
				}
				n := min(header-len(head), len(piece))
				head, piece = append(head, piece[:n]...), piece[n:]
				if len(head) < header {
					continue
				}
				if int16(binary.BigEndian.Uint16(head[4:])) == key {
					matches++
				}
				body = int(binary.BigEndian.Uint32(head)) - 2
				head = head[:0]
			}
			return matches
		}
	}
}

// link is one connection through the proxy.
type link struct {
	client, server net.Conn

	mu    sync.Mutex
	fault *Fault
}

// cut closes both sides. The client gets a reset rather than an orderly end, as from a server that died.
func (l *link) cut() {
	if tcp, ok := l.client.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // at worst the end is orderly
	}
	_ = l.client.Close() // it may be closed already
	_ = l.server.Close()
}

// suffer marks the link: from here on answers are not passed.
func (l *link) suffer(fault Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = &fault
}

func (l *link) suffers() *Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault
}

// forwardAnswers copies from server to client as far as no fault forbids it.
func (l *link) forwardAnswers() {
	buffer := make([]byte, bufferBytes)
	for {
		n, err := l.server.Read(buffer)
		fault := l.suffers()
		switch {
		case n == 0 || err != nil:
			if fault == nil || *fault != Mute {
				l.cut()
			}
			return
		case fault == nil:
			if _, err := l.client.Write(buffer[:n]); err != nil {
				return
			}
		case *fault != Mute:
			l.cut()
			return
		}
	}
}

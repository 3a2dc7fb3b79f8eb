// Package chaos breaks connections in tests: between a client and its database or broker it loses requests and answers at
// a chosen point.
package chaos

import (
	"context"
	"fmt"
	"net"
	"sync"
)

const bufferBytes = 64 << 10 // read from a connection at a time

// Proxy forwards TCP connections to one server until a trap or a test breaks them.
type Proxy struct {
	listener net.Listener
	target   string
	done     sync.WaitGroup

	mu    sync.Mutex
	trap  *Trap
	down  bool
	links map[*link]struct{}
}

// NewProxy listens on a free port of the loopback interface and forwards to target, host:port, until Close.
func NewProxy(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("proxy to %s: %w", target, err)
	}
	p := &Proxy{listener: listener, target: target, links: map[*link]struct{}{}}
	p.done.Go(p.accept)
	return p, nil
}

// Addr is where clients connect to, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Dial connects to the proxy whatever the address: for clients that learn the server's own address from the server, as
// Kafka's do.
func (p *Proxy) Dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, p.Addr())
}

// Close cuts all connections and stops listening.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.Cut()
	p.done.Wait()
	return err
}

// Cut closes the connections that are open.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut()
	}
}

// Down cuts all connections and closes every new one at once, until Up: the server is away.
func (p *Proxy) Down() {
	p.mu.Lock()
	p.down = true
	p.mu.Unlock()
	p.Cut()
}

// Up ends Down.
func (p *Proxy) Up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

// Arm sets a trap, which replaces one that has not fired: when match has been found in what clients send for the
// (skip+1)th time, over all connections, the fault happens there. Connections that are open already are watched too.
func (p *Proxy) Arm(match Matcher, skip int, fault Fault) *Trap {
	trap := &Trap{match: match, left: skip, fault: fault, fired: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trap = trap
	return trap
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.done.Go(func() { p.serve(client) })
	}
}

// serve forwards one connection in both directions until either side ends it.
func (p *Proxy) serve(client net.Conn) {
	p.mu.Lock()
	down := p.down
	p.mu.Unlock()
	if down {
		client.Close()
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		client.Close() // the client sees a server that is away
		return
	}
	l := &link{client: client, server: server}
	p.mu.Lock()
	p.links[l] = struct{}{}
	if p.down { // since the look above
		l.cut()
	}
	p.mu.Unlock()

	var answers sync.WaitGroup
	answers.Go(func() { l.forwardAnswers() })
	sprung := p.forwardRequests(l)
	l.cut()
	answers.Wait()
	if sprung != nil {
		sprung.fire()
	}
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// forwardRequests copies from client to server until either ends, and returns the trap that fired on the way.
func (p *Proxy) forwardRequests(l *link) (sprung *Trap) {
	buffer := make([]byte, bufferBytes)
	watch := watch{proxy: p, link: l}
	for {
		n, err := l.client.Read(buffer)
		if trap := watch.look(buffer[:n]); trap != nil {
			sprung = trap
			switch trap.fault {
			case LoseRequest:
				return sprung
			case Mute:
				trap.fire() // now: the connection stays
			}
		}
		if _, err := l.server.Write(buffer[:n]); err != nil {
			return sprung
		}
		if err != nil {
			return sprung
		}
	}
}

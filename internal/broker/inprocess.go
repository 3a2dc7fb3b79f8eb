package broker

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// inProcess lets the process that an embedded broker runs in reach it through memory. What goes over the loopback interface
// costs the kernel about a tenth of what a payment costs in all.
type inProcess struct {
	memory  kfake.VirtualNetwork
	address string // of the listener
}

// listen is net.Listen, for connections through memory as well.
func (p *inProcess) listen(network, address string) (net.Listener, error) {
	tcp, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	p.address = tcp.Addr().String()
	memory, err := p.memory.Listen(network, p.address)
	if err != nil {
		return nil, errors.Join(err, tcp.Close())
	}
	both := &bothListener{Listener: tcp, memory: memory, accepted: make(chan net.Conn), closed: make(chan struct{})}
	both.accept(tcp)
	both.accept(memory)
	return both, nil
}

// dial connects through memory to the broker, and through the network to anything else.
func (p *inProcess) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if address != p.address {
		return (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, network, address)
	}
	conn, err := p.memory.DialContext(ctx, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "memory", Err: err} // which a client tries again, as if it came from a network
	}
	return memoryConn{conn}, nil
}

// bothListener accepts from the network and through memory.
type bothListener struct {
	net.Listener // of the network
	memory       net.Listener
	accepted     chan net.Conn
	close        sync.Once
	closed       chan struct{}
}

func (l *bothListener) accept(from net.Listener) {
	go func() {
		for {
			conn, err := from.Accept()
			if err != nil {
				return
			}
			select {
			case l.accepted <- conn:
			case <-l.closed:
				_ = conn.Close()
			}
		}
	}()
}

func (l *bothListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *bothListener) Close() (err error) {
	l.close.Do(func() {
		close(l.closed)
		err = errors.Join(l.Listener.Close(), l.memory.Close())
	})
	return err
}

// memoryConn calls an end that was closed what it is called on a network: clients know by it that they may try again.
type memoryConn struct{ net.Conn }

func (c memoryConn) Read(p []byte) (int, error)  { return likeNetwork(c.Conn.Read(p)) }
func (c memoryConn) Write(p []byte) (int, error) { return likeNetwork(c.Conn.Write(p)) }

func likeNetwork(n int, err error) (int, error) {
	if errors.Is(err, io.ErrClosedPipe) {
		err = net.ErrClosed
	}
	return n, err
}

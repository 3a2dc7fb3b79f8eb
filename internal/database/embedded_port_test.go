package database

import (
	"errors"
	"net"
	"testing"
)

// Whoever asks for any free port is given another one where that was taken meanwhile; a port that was asked for is tried once.
func TestPortIsTakenMeanwhile(t *testing.T) {
	taken, err := net.Listen("tcp", loopback(0))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for _, c := range []struct {
		name   string
		port   int
		free   int // the attempt from which on the port is free
		other  error
		tried  int
		starts bool
	}{
		{name: "at once", free: 1, tried: 1, starts: true},
		{name: "at the third attempt", free: 3, tried: 3, starts: true},
		{name: "never", free: portAttempts + 1, tried: portAttempts},
		{name: "another failure", free: 1, other: errors.New("no such binary"), tried: 1},
		{name: "a port of one's own", port: port, free: 2, tried: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			tried := 0
			server, err := onPort(c.port, func(port int) (*Embedded, error) {
				tried++
				if c.port != 0 && port != c.port || port == 0 {
					t.Errorf("port %d", port)
				}
				if tried < c.free {
					return nil, portIsFree(taken.Addr().(*net.TCPAddr).Port)
				}
				if c.other != nil {
					return nil, c.other
				}
				return &Embedded{}, nil
			})
			if tried != c.tried || (err == nil) != c.starts || (server != nil) != c.starts {
				t.Errorf("%d attempts, %v", tried, err)
			}
		})
	}
}

package chaos

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"

	"pgregory.net/rapid"
)

func TestBytesMatchesWhateverThePieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := []byte(rapid.StringMatching(`[ab]{0,40}`).Draw(t, "stream"))
		pattern := []byte(rapid.StringMatching(`[ab]{1,4}`).Draw(t, "pattern"))
		if got, want := pieces(t, Bytes(pattern), stream), bytes.Count(stream, pattern); got != want {
			t.Fatalf("%d matches of %q in %q, want %d", got, pattern, stream, want)
		}
	})
}

func TestKafkaRequestReadsHeadersOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const wanted = 26
		keys := rapid.SliceOf(rapid.Int16Range(24, 28)).Draw(t, "keys")
		var stream []byte
		want := 0
		for _, key := range keys {
			body := append(binary.BigEndian.AppendUint16(nil, uint16(key)), 0, wanted, 0, 5)
			stream = append(binary.BigEndian.AppendUint32(stream, uint32(len(body))), body...)
			if key == wanted {
				want++
			}
		}
		if got := pieces(t, KafkaRequest(wanted), stream); got != want {
			t.Fatalf("%d matches, want %d", got, want)
		}
	})
}

// pieces cuts a stream at random and counts the matches.
func pieces(t *rapid.T, match Matcher, stream []byte) int {
	search, matches := match(), 0
	for len(stream) > 0 {
		n := rapid.IntRange(1, len(stream)).Draw(t, "piece")
		matches += search(stream[:n])
		stream = stream[n:]
	}
	return matches
}

// echo answers every byte with itself and counts what reached it.
func echo(t *testing.T) (address string, reached func() []byte) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan []byte, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			received <- nil
			return
		}
		var all bytes.Buffer
		_, _ = io.Copy(conn, io.TeeReader(conn, &all)) // ends with the connection
		received <- all.Bytes()
	}()
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String(), func() []byte { return <-received }
}

func TestFaultsLoseWhatTheySay(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   Fault
		reached string
	}{
		{"request", LoseRequest, "one"},
		{"answer", LoseAnswer, "onetwo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, reached := echo(t)
			proxy, err := NewProxy(address)
			if err != nil {
				t.Fatal(err)
			}
			defer proxy.Close()
			conn, err := proxy.Dial(t.Context(), "tcp", "elsewhere:1")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			trap := proxy.Arm(Bytes([]byte("two")), 0, c.fault)
			answer := make([]byte, 3)
			for _, message := range []string{"one", "two"} {
				if _, err := conn.Write([]byte(message)); err != nil {
					t.Fatal(err)
				}
				_, err := io.ReadFull(conn, answer)
				if message == "one" && (err != nil || string(answer) != "one") {
					t.Fatalf("answer before the fault: %q, %v", answer, err)
				}
				if message == "two" && err == nil {
					t.Fatalf("answer %q came through", answer)
				}
			}
			<-trap.Fired()
			if got := string(reached()); got != c.reached {
				t.Errorf("the server got %q, want %q", got, c.reached)
			}
		})
	}
}

func TestDownIsAServerThatIsAway(t *testing.T) {
	address, _ := echo(t)
	proxy, err := NewProxy(address)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	proxy.Down()
	conn, err := proxy.Dial(t.Context(), "tcp", "")
	if err == nil {
		defer conn.Close()
		if _, err = conn.Read(make([]byte, 1)); err == nil {
			t.Fatal("a server that is away answered")
		}
	}
	proxy.Up()
	conn, err = proxy.Dial(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}

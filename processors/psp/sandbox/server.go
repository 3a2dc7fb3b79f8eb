package sandbox

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a running sandbox.
type Server struct {
	cfg      Config
	book     *book
	handler  http.Handler
	pages    *template.Template
	baseURL  string
	listener net.Listener
	http     *http.Server

	stopping context.Context // ends when requests that hang must let go
	stop     context.CancelFunc
	running  sync.WaitGroup
	closed   func() error
}

// closeWithin bounds how long Close waits for requests under way.
const closeWithin = 2 * time.Second

// Start listens and serves until Close.
func Start(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b, err := openBook(cfg)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: %w", err), b.close())
	}
	s := &Server{cfg: cfg, book: b, listener: listener, baseURL: cfg.BaseURL, pages: buttonsHTML()}
	if s.baseURL == "" {
		s.baseURL = "http://" + listener.Addr().String()
	}
	deliverer, err := newDeliverer(b, s.baseURL)
	if err != nil {
		return nil, errors.Join(err, listener.Close(), b.close())
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.closed = sync.OnceValue(s.close)
	s.handler = s.routes()
	s.http = &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	s.running.Go(func() { deliverer.run(s.stopping) })
	s.running.Go(s.syncJournal)
	s.running.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			cfg.Log.Error("sandbox: stopped serving", "error", err)
		}
	})
	return s, nil
}

// URL is the address that the sandbox serves at.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Handler serves the API within another server.
func (s *Server) Handler() http.Handler { return s.handler }

// Close stops serving, lets requests under way finish for a moment and closes the journal. It may be called again.
func (s *Server) Close() error { return s.closed() }

func (s *Server) close() error {
	s.stop() // those that hang on purpose let go at once
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) { // a connection without a request counts as busy for a while
		err = s.http.Close()
	}
	s.running.Wait()
	return errors.Join(err, s.book.close())
}

func (s *Server) syncJournal() {
	if s.book.journal == nil {
		return
	}
	ticker := time.NewTicker(syncEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.stopping.Done():
			return
		case <-ticker.C:
			if err := s.book.journal.sync(); err != nil {
				s.cfg.Log.Error("sandbox: journal is not synced", "error", err)
			}
		}
	}
}

func (b *book) close() error {
	if b.journal == nil {
		return nil
	}
	return b.journal.close()
}

// Package api is the HTTP interface of weir. openapi.yaml says what it does; the handlers turn requests into commands,
// wait for what becomes of them and read what is stored.
package api

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config oapi-codegen.yaml -o api.gen.go openapi.yaml

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/api/idempotency"
	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/health"
	"github.com/weirhq/weir/internal/killswitch"
	"github.com/weirhq/weir/internal/kyc"
	"github.com/weirhq/weir/internal/listtopic"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/processors/psp/webhook"
	"github.com/weirhq/weir/topics"
)

// Document is the OpenAPI document of the interface.
//
//go:embed openapi.yaml
var Document []byte

// Config is what an API is made of.
type Config struct {
	// Listener takes the connections; Run closes it. It may be nil where only ServeHTTP is used.
	Listener net.Listener
	Keys     []Key
	Webhooks webhook.Verifiers // by the name of the PSP
	Database *database.DB
	Broker   []kgo.Opt // where the brokers are and how to reach them
	// Lists are the lists of the rules in force. The API closes them.
	Lists *listtopic.Desk
	// Switches are the kill switches of PSPs. The API closes them.
	Switches *killswitch.Desk
	Links    LinkPages
	// CustomerKeys are the master keys of customers' data keys; nil: records of customers can be neither put nor opened.
	CustomerKeys *customerkeys.Masters
	// Checks are what /readyz asks besides the database, the broker and the event reader.
	Checks []health.Check
	Limits Limits
	Log    *slog.Logger
	// Metrics takes the API's metrics and is what /metrics shows; nil: a registry of its own.
	Metrics *prometheus.Registry
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
}

// Limits bound requests. A zero field takes the default.
type Limits struct {
	MaxBody       int64         // bytes of a request body; default 256 KiB
	AnswerWithin  time.Duration // how long a write waits for its result before it answers 202; default 5 s
	ProduceWithin time.Duration // how long a record may take to become durable; default 5 s
	TakeOverAfter time.Duration // age at which an unanswered idempotency key is taken over; default 15 s
	KeepKeys      time.Duration // age at which idempotency keys are deleted; default topics.DedupHorizon, and never less
	HeaderWithin  time.Duration // how long a client may take to send its headers; default 5 s
	ReadWithin    time.Duration // and its whole request; default 15 s
	Rate          float64       // requests per second of each API key; default 1000
	Burst         int           // default 2000
}

func (l Limits) withDefaults() (Limits, error) {
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	def(&l.AnswerWithin, 5*time.Second)
	def(&l.ProduceWithin, 5*time.Second)
	def(&l.TakeOverAfter, 15*time.Second)
	def(&l.KeepKeys, topics.DedupHorizon)
	def(&l.HeaderWithin, 5*time.Second)
	def(&l.ReadWithin, 15*time.Second)
	if l.MaxBody == 0 {
		l.MaxBody = 256 << 10
	}
	if l.Rate == 0 {
		l.Rate = 1000
	}
	if l.Burst == 0 {
		l.Burst = 2000
	}
	switch {
	case l.MaxBody < 1 || l.MaxBody > maxBodyLimit:
		return l, fmt.Errorf("max body: %d bytes, want 1 to %d (a record has at most 1 MB)", l.MaxBody, maxBodyLimit)
	case l.AnswerWithin < 0 || l.AnswerWithin > maxAnswerWithin:
		return l, fmt.Errorf("answer within: %s, want up to %s", l.AnswerWithin, maxAnswerWithin)
	case l.ProduceWithin < time.Second || l.ProduceWithin > maxAnswerWithin:
		return l, fmt.Errorf("produce within: %s, want 1s to %s", l.ProduceWithin, maxAnswerWithin)
	case l.TakeOverAfter < l.AnswerWithin+l.ProduceWithin:
		return l, fmt.Errorf("take over after: %s, want at least answer within + produce within, %s",
			l.TakeOverAfter, l.AnswerWithin+l.ProduceWithin)
	case l.KeepKeys < topics.DedupHorizon:
		return l, fmt.Errorf("keep keys: %s, want at least %s, for which a command id is remembered", l.KeepKeys, topics.DedupHorizon)
	case l.HeaderWithin < 0 || l.ReadWithin < l.HeaderWithin:
		return l, fmt.Errorf("header within %s, read within %s: want positive times, the second not shorter", l.HeaderWithin, l.ReadWithin)
	case l.Rate < 0 || l.Burst < 1:
		return l, fmt.Errorf("rate %v and burst %d: want positive numbers", l.Rate, l.Burst)
	}
	return l, nil
}

const (
	maxBodyLimit    = 512 << 10 // leaves room for what the engine adds to a command
	maxAnswerWithin = 30 * time.Second
	databaseWithin  = 5 * time.Second // one read or write of a request
)

// API serves the interface. Run must run for writes to be accepted.
type API struct {
	handler   http.Handler
	listener  net.Listener
	keys      keyring
	webhooks  webhook.Verifiers
	db        *database.DB
	events    *view.EventLog
	producer  *kgo.Client
	hub       *await.Hub
	store     *idempotency.Store
	lists     *listtopic.Desk
	switches  *killswitch.Desk
	pages     linkPages
	customers *kyc.Desk
	checks    []health.Check
	limits    Limits
	log       *slog.Logger
	metrics   metrics
	now       func() time.Time
}

// New checks the configuration and builds an API. It reaches for neither the broker nor the database.
func New(c Config) (*API, error) {
	limits, err := c.Limits.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("api limits: %w", err)
	}
	if c.Database == nil || c.Log == nil || c.Lists == nil || c.Switches == nil {
		return nil, errors.New("api: a database, the lists, the kill switches and a log are needed")
	}
	keys, err := newKeyring(c.Keys, limits)
	if err != nil {
		return nil, err
	}
	registry := c.Metrics
	if registry == nil {
		registry = prometheus.NewRegistry()
	}
	a := &API{
		listener: c.Listener, keys: keys, webhooks: c.Webhooks, db: c.Database, lists: c.Lists, switches: c.Switches,
		store: idempotency.New(c.Database, limits.TakeOverAfter), limits: limits, log: c.Log, now: c.Now,
	}
	a.pages = newLinkPages(c.Links, limits)
	if a.now == nil {
		a.now = time.Now
	}
	if a.events, err = view.NewEventLog(c.Database.Pool); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if a.metrics, err = newMetrics(registry); err != nil {
		return nil, err
	}
	if a.hub, err = await.New(c.Broker, c.Log, registry); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	if a.producer, err = newProducer(c.Broker, limits); err != nil {
		a.hub.Close()
		return nil, err
	}
	if a.customers, err = kyc.New(c.Broker, c.Database.Pool, c.CustomerKeys, a.hub); err != nil {
		a.hub.Close()
		a.producer.Close()
		return nil, err
	}
	a.checks = append([]health.Check{
		{Name: "database", Func: a.checkDatabase}, {Name: "broker", Func: a.producer.Ping}, {Name: "events", Func: a.hub.Check},
	}, c.Checks...)
	a.handler = a.routes(registry)
	return a, nil
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

func (a *API) checkDatabase(ctx context.Context) error { return a.db.Pool.Ping(ctx) }

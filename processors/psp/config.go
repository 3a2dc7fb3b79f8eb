package psp

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// Role is the gateway's name in groups, sources and dead letters.
const Role = "psp"

// Defaults and limits.
const (
	DefaultGroup       = "weir-psp"
	DefaultConcurrency = 64     // calls under way at one PSP
	DefaultMaxInFlight = 10_000 // requests read and not reported, of all PSPs together
	DefaultMaxAhead    = 50_000 // records of a partition read beyond the first that is not done

	DefaultSettleGrace  = 5 * time.Second  // after not_after and the longest call, before "not found" is final
	DefaultPollPatience = 15 * time.Second // of failed polls, before the outcome is reported unknown
	DefaultSendPatience = 15 * time.Second // with a payout that cannot be sent, before that is reported
	DefaultCommitEvery  = time.Second
	DefaultForgetEvery  = 10 * time.Second // between two looks for old attempts
	DefaultDrainTimeout = 5 * time.Second  // for calls under way, when a partition is given up or the gateway stops

	firstBackoff = 100 * time.Millisecond // doubles
	maxBackoff   = 5 * time.Second

	sessionTimeout = 6 * time.Second // of the group: how long a dead gateway keeps its partitions
	heartbeat      = time.Second
	pollRecords    = 2_000                   // read at a time
	closeTimeout   = 1500 * time.Millisecond // for the last commit, and for leaving the group and closing the connections
)

// Config of a Gateway. Zero durations and numbers take the defaults above.
type Config struct {
	// Kafka are the options that reach the cluster: seeds, security, logging.
	Kafka []kgo.Opt
	// Group is the consumer group; Instance makes the membership static, so that a restart takes over at once.
	Group, Instance string

	// Adapters of the PSPs, each with a name of its own.
	Adapters []Adapter
	// Attempts is required where an adapter is not idempotent, and where routing plans choose PSPs.
	Attempts Attempts

	Concurrency  int           // calls under way at each PSP
	MaxInFlight  int           // requests read and not reported
	MaxAhead     int           // records of a partition read beyond the first that is not done: what a crash repeats
	CallTimeout  time.Duration // the longest that an adapter's call takes; DefaultTimeout where zero
	SettleGrace  time.Duration
	PollPatience time.Duration
	SendPatience time.Duration
	CommitEvery  time.Duration
	ForgetEvery  time.Duration
	DrainTimeout time.Duration
	Breaker      BreakerConfig

	// Disabled says why a PSP must not be asked for an authorisation, "" where it may be; nil: all may be.
	Disabled func(topics.RouteScope, time.Time) string

	// Now is the clock that not_after is held against; time.Now where nil.
	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil: not exported
}

// BreakerConfig of the circuit breaker that each PSP has: it opens when, of at least MinCalls within Period, the share
// of FailurePercent found no connection or no answer, and lets a few calls try again after Delay. While it is open
// requests wait; none is answered by it.
type BreakerConfig struct {
	FailurePercent int           // 50
	MinCalls       int           // 20
	Period         time.Duration // 10 s
	Delay          time.Duration // 1 s
	Trials         int           // successes that close it again: 3
}

func setDefault[T comparable](value *T, without T) {
	var zero T
	if *value == zero {
		*value = without
	}
}

func (c *Config) setDefaults() {
	setDefault(&c.Group, DefaultGroup)
	setDefault(&c.Concurrency, DefaultConcurrency)
	setDefault(&c.MaxInFlight, DefaultMaxInFlight)
	setDefault(&c.MaxAhead, DefaultMaxAhead)
	setDefault(&c.CallTimeout, DefaultTimeout)
	setDefault(&c.SettleGrace, DefaultSettleGrace)
	setDefault(&c.PollPatience, DefaultPollPatience)
	setDefault(&c.SendPatience, DefaultSendPatience)
	setDefault(&c.CommitEvery, DefaultCommitEvery)
	setDefault(&c.ForgetEvery, DefaultForgetEvery)
	setDefault(&c.DrainTimeout, DefaultDrainTimeout)
	setDefault(&c.Breaker.FailurePercent, 50)
	setDefault(&c.Breaker.MinCalls, 20)
	setDefault(&c.Breaker.Period, 10*time.Second)
	setDefault(&c.Breaker.Delay, time.Second)
	setDefault(&c.Breaker.Trials, 3)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
}

func (c *Config) validate() error {
	if len(c.Adapters) == 0 {
		return errors.New("psp: no adapter is configured")
	}
	names := map[string]bool{}
	for _, adapter := range c.Adapters {
		if names[adapter.Name()] {
			return fmt.Errorf("psp: two adapters are named %q", adapter.Name())
		}
		names[adapter.Name()] = true
		if _, idempotent := adapter.Idempotent(); !idempotent && c.Attempts == nil {
			return fmt.Errorf("psp: %s has no idempotency keys, so attempts must be stored", adapter.Name())
		}
	}
	if c.Concurrency < 1 || c.MaxInFlight < 1 || c.MaxAhead < 1 {
		return errors.New("psp: concurrency, requests in flight and records ahead must be positive")
	}
	if c.Breaker.FailurePercent < 1 || c.Breaker.FailurePercent > 100 || c.Breaker.MinCalls < 1 || c.Breaker.Trials < 1 {
		return errors.New("psp: breaker: want 1 to 100 percent, and positive numbers of calls and trials")
	}
	return nil
}

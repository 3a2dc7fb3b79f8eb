package killswitch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/topics"
)

const (
	writeWithin = 10 * time.Second
	seenEvery   = 20 * time.Millisecond // between two looks whether a switch is in force
	maxReason   = 500                   // bytes of a reason
	maxName     = 200                   // bytes of an author
)

var valid = sync.OnceValue(topics.NewValidator)

// Refused says that a switch cannot be turned so. Nothing was changed.
type Refused struct{ Why string }

func (r *Refused) Error() string { return r.Why }

func refuse(format string, args ...any) error { return &Refused{fmt.Sprintf(format, args...)} }

// ErrUncertain says that a switch was written, and was not seen in the topic in time.
var ErrUncertain = errors.New("the switch was written and is not seen yet; look at those that are on")

// Desk turns switches. Several goroutines may use it at once.
type Desk struct {
	psps     []string
	producer *kgo.Client

	mu     sync.Mutex
	reader *reader
}

// Open connects to the broker with options. psps are those that there are, so that a switch of another one is refused as a
// mistake; none where they are not known here.
func Open(options []kgo.Opt, psps []string) (*Desk, error) {
	producer, err := kgo.NewClient(append(append([]kgo.Opt(nil), options...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0), kgo.RecordDeliveryTimeout(writeWithin))...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	r, err := newReader(options, slog.New(slog.DiscardHandler))
	if err != nil {
		producer.Close()
		return nil, err
	}
	return &Desk{psps: psps, producer: producer, reader: r}, nil
}

// Close ends the desk.
func (d *Desk) Close() {
	d.producer.Close()
	d.reader.topic.Close()
}

// On are the switches that are on at a time, the oldest first.
func (d *Desk) On(ctx context.Context, at time.Time) ([]topics.RouteControl, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	controls, err := d.reader.read(ctx)
	if err != nil {
		return nil, err
	}
	var on []topics.RouteControl
	for _, c := range controls {
		if c.Until.IsZero() || at.Before(c.Until) {
			on = append(on, c)
		}
	}
	slices.SortFunc(on, func(a, b topics.RouteControl) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Scope.String(), b.Scope.String()))
	})
	return on, nil
}

// History is every record of the topic, in its order.
func History(ctx context.Context, options []kgo.Opt) ([]topics.RouteControl, error) {
	topic, err := broker.NewFollower(options, topics.PSPControls)
	if err != nil {
		return nil, err
	}
	defer topic.Close()
	var all []topics.RouteControl
	_, err = topic.Read(ctx, func() { all = nil }, func(r *kgo.Record) error {
		var c topics.RouteControl
		if err := topics.Unmarshal(r.Value, &c); err != nil {
			return fmt.Errorf("offset %d: %w", r.Offset, err)
		}
		all = append(all, c)
		return nil
	})
	return all, err
}

// Turn turns a switch on or off, and returns once the topic says so; every process follows within a second. changed is false
// where it was so before, and nothing was written. ControlID and At are set here.
func (d *Desk) Turn(ctx context.Context, c topics.RouteControl, now time.Time) (changed bool, err error) {
	if err := d.check(&c, now); err != nil {
		return false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	controls, err := d.reader.read(ctx)
	if err != nil {
		return false, err
	}
	was, on := controls[c.Scope]
	on = on && (was.Until.IsZero() || now.Before(was.Until))
	switch {
	case !c.Disabled && !on:
		return false, refuse("%s is not disabled; weir routes switches shows what is", c.Scope)
	case c.Disabled && on && was.Until.Equal(c.Until):
		return false, nil
	}
	id, err := uuid.NewV4()
	if err != nil {
		return false, fmt.Errorf("a new control id: %w", err)
	}
	c.ControlID, c.At, c.Until = id.String(), now.UTC(), c.Until.UTC()
	return true, d.write(ctx, &c)
}

func (d *Desk) check(c *topics.RouteControl, now time.Time) error {
	s := &c.Scope
	switch {
	case s.PSP != "" && len(d.psps) > 0 && !slices.Contains(d.psps, s.PSP):
		return refuse("no PSP %.64q is configured; there are: %s", s.PSP, strings.Join(d.psps, ", "))
	case s.PSP != "" && valid().Var(s.PSP, "max=64,name") != nil:
		return refuse("PSP: want 1 to 64 printable ASCII characters without spaces, quotes and slashes")
	case s.Method != "" && !slices.Contains(topics.Methods(), s.Method):
		return refuse("method: no payments of method %.32q are there; want one of %s", s.Method, strings.Join(topics.Methods(), ", "))
	case s.Country != "" && valid().Var(s.Country, "iso3166_1_alpha2") != nil:
		return refuse("country: %.16q is none; want two capital letters of ISO 3166-1, such as DE", s.Country)
	case s.Tenant != "" && valid().Var(s.Tenant, "max=64,name") != nil:
		return refuse("tenant: want 1 to 64 printable ASCII characters without spaces, quotes and slashes")
	case strings.TrimSpace(c.Author) == "":
		return refuse("who turns the switch? Name an author")
	case strings.TrimSpace(c.Reason) == "":
		return refuse("why is the switch turned? Give a reason")
	case len(c.Author) > maxName || len(c.Reason) > maxReason:
		return refuse("an author has at most %d bytes, a reason %d", maxName, maxReason)
	case topics.FindCardNumber([]byte(c.Author + "\n" + c.Reason)):
		return refuse("a card number must not stand in a name or a reason")
	case !c.Disabled && !c.Until.IsZero():
		return refuse("until: has no place where a PSP is enabled")
	case !c.Until.IsZero() && !c.Until.After(now):
		return refuse("until: %s is past", c.Until.UTC().Format(time.RFC3339))
	}
	return nil
}

// write makes a switch durable and waits until it can be read. A crash before the record is acknowledged leaves it turned
// or not; who turns it again finds which.
func (d *Desk) write(ctx context.Context, c *topics.RouteControl) error {
	value, err := topics.Marshal(c)
	if err != nil {
		return err
	}
	s := &c.Scope
	r := &kgo.Record{Topic: topics.PSPControls, Partition: 0, Key: []byte(strings.Join([]string{s.PSP, s.Method, s.Country, s.Tenant}, "|")), Value: value}
	envelope := topics.Envelope{ID: c.ControlID, Source: "weir/routes", Type: topics.TypeRouteControl, Subject: s.PSP, Tenant: s.Tenant, Time: c.At}
	for _, h := range envelope.Headers() {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	d.reader.seen[c.ControlID] = false
	defer delete(d.reader.seen, c.ControlID)
	if err := d.producer.ProduceSync(ctx, r).FirstErr(); err != nil {
		return fmt.Errorf("write %s: %w", topics.PSPControls, err)
	}
	ticker := time.NewTicker(seenEvery)
	defer ticker.Stop()
	for {
		if _, err := d.reader.read(ctx); err != nil {
			return fmt.Errorf("%w: %w", ErrUncertain, err)
		}
		if d.reader.seen[c.ControlID] {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ErrUncertain
		}
	}
}

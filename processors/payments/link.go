package payments

import (
	"fmt"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/links"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// linkInput is the part of an input that is for a payment link; neither its Command nor its Timer is set where none is.
type linkInput struct {
	links.Input
	id topics.LinkID // zero where the record names none of this partition
}

func (l *linkInput) is() bool { return l.Command != nil || l.Timer != nil }

// linkCommand finds the ids of a link command, as command does.
func (s *partition) linkCommand(in *input, v *topics.AssessedLinkCommand) error {
	c := &v.Command
	id, err := uuid.FromString(c.CommandID)
	if err != nil || c.Tenant == "" {
		return fmt.Errorf("command_id %.64q and tenant %.64q: want a UUID and a name", c.CommandID, c.Tenant)
	}
	in.id, in.fingerprint = newInputID(ofCommand, c.Tenant, id), c.Fingerprint()
	if c.CustomerID == "" {
		return nil // refused as it stands
	}
	s.belongs(in, c.Tenant, c.CustomerID)
	switch {
	case v.Refusal != nil || in.refused != "":
	case c.Type == topics.LinkCreate:
		in.link.id = topics.LinkID{Partition: s.number, UUID: topics.LinkKey(c.Tenant, id)}
	default:
		in.link.id = s.namedLink(c.LinkID)
	}
	return nil
}

// namedLink is the link of this partition that a command names. A malformed id, or one of another partition, where this
// customer has none, names no link.
func (s *partition) namedLink(id string) topics.LinkID {
	if lid, err := topics.ParseLinkID(id); err == nil && lid.Partition == s.number {
		return lid
	}
	return topics.LinkID{}
}

// linkTimer finds the link whose time is over.
func (s *partition) linkTimer(in *input, id string) error {
	lid, err := topics.ParseLinkID(id)
	if err != nil {
		return err
	}
	if lid.Partition != s.number {
		return fmt.Errorf("payment link %s stands in partition %d, the timer in %d", id, lid.Partition, s.number)
	}
	in.link.id = lid
	return nil
}

// heldLink is a payment link in memory.
type heldLink struct {
	*links.Link                    // nil: the database has none of this id
	version     int64              // of the stored row
	stored      bool               // there is a row
	timer       topics.TimerChange // of the row in timers; Kind "": none
	positions   []int64            // of this batch's records that changed it
}

// link is the link in memory, an empty place where there is none. Load has read what the database has.
func (s *partition) link(key uuid.UUID) *heldLink {
	h, ok := s.links.get(key)
	if !ok {
		h = &heldLink{}
		if key != uuid.Nil {
			s.links.put(key, h, 0)
		}
	}
	return h
}

// applyLink folds an input for a payment link.
func (s *partition) applyLink(in *input, r *stream.Record) []stream.Output {
	w := &in.link
	if in.id != (inputID{}) {
		s.remember(in, r.Position)
	}
	h := s.link(w.id.UUID)
	out := outputs{partition: s, record: r}
	s.foldLink(h, links.Decide(w.id, h.Link, &w.Input, r.Time, &s.config.Limits), &out)
	return out.all
}

// linkOf is the payment link that a payment is by, or that a create command would have it be; nil for most.
func (s *partition) linkOf(h *held, in *input) *heldLink {
	switch {
	case h.Payment != nil && h.Link != uuid.Nil:
		return s.link(h.Link)
	case h.Payment == nil && in.Command != nil && in.Command.Command.LinkID != "" && in.Command.Refusal == nil:
		return s.link(s.namedLink(in.Command.Command.LinkID).UUID)
	}
	return nil
}

// refuseByLink says why a payment that is not there yet may not begin by a link.
func (s *partition) refuseByLink(l *heldLink, in *input, r *stream.Record) *topics.Refusal {
	return links.Refuse(l.Link, &in.Command.Command, r.Time, &s.config.Limits)
}

// use folds what a record made of a payment into the link that it is by.
func (s *partition) use(l *heldLink, before links.State, p *lifecycle.Payment, out *outputs) {
	if p == nil || p.Link == uuid.Nil {
		return // refused
	}
	if l.Link == nil {
		panic(fmt.Sprintf("payments: payment %s is by the payment link %x, which there is not", p.ID, p.Link))
	}
	change := links.Change{Payment: p.ID.String(), Before: before, After: links.UseOf(p), TraceID: p.TraceID}
	s.foldLink(l, links.Use(l.Link, change, out.record.Time, s.number, out.record.Position, 0), out)
}

// foldLink folds events into a link and publishes them.
func (s *partition) foldLink(h *heldLink, events []topics.LinkEvent, out *outputs) {
	for i := range events {
		e := &events[i]
		s.metrics.linkEvent(e)
		if e.Type != topics.LinkCommandRefused {
			if err := s.evolveLink(h, e, out.record.Position); err != nil {
				panic(err) // an event that does not fit: a bug, of which the dead letter tells
			}
		}
		out.linkEvent(e)
	}
}

func (s *partition) evolveLink(h *heldLink, e *topics.LinkEvent, position int64) error {
	l, err := links.Evolve(h.Link, e)
	if err != nil {
		return err
	}
	h.Link = l
	n := len(h.positions)
	if n == 0 {
		s.dirtyLinks = append(s.dirtyLinks, h)
	}
	if n == 0 || h.positions[n-1] != position {
		h.positions = append(h.positions, position)
	}
	return links.Check(l, e)
}

// tellLink publishes that nothing became of a record for a link. Nothing stored is touched.
func (s *partition) tellLink(in *input, r *stream.Record, what topics.LinkEventType, code topics.RefusalCode, detail string, out *outputs) {
	e := topics.LinkEvent{
		EventID: topics.EventID{Partition: s.number, Position: r.Position}.String(), Type: what, At: r.Time, Refusal: code, Detail: detail,
	}
	if w := &in.link; w.Command != nil {
		c := &w.Command.Command
		e.Tenant, e.Region, e.CustomerID, e.LinkID, e.CommandID, e.TraceID = c.Tenant, c.Region, c.CustomerID, c.LinkID, c.CommandID, c.TraceID
	} else {
		e.Tenant, e.CustomerID, e.LinkID = w.Timer.Tenant, w.Timer.CustomerID, w.Timer.PaymentID
	}
	maskEach(&e.Tenant, &e.Region, &e.CustomerID, &e.LinkID, &e.CommandID, &e.TraceID, &e.Detail)
	s.metrics.linkEvent(&e)
	out.linkEvent(&e)
}

func (o *outputs) linkEvent(e *topics.LinkEvent) {
	o.add(topics.LinkEvents, topics.TypeLinkEvent, about{e.Tenant, e.Region, e.CustomerID, e.LinkID, e.TraceID}, e)
}

// wantRestoredLink asks for the link that a published event speaks of.
func (s *partition) wantRestoredLink(o *stream.Output, want *wanted) {
	s.wantLink(s.namedLink(o.Envelope.Subject).UUID, want)
}

func (s *partition) restoreLink(r *stream.Restored, o *stream.Output) error {
	var e topics.LinkEvent
	if err := topics.Unmarshal(o.Value, &e); err != nil {
		return fmt.Errorf("event %s: %w", o.Envelope.ID, err)
	}
	if e.Type == topics.LinkDeadLettered {
		return nil
	}
	if err := s.restoreCommand(e.Tenant, e.CommandID, e.EventID, e.Refusal, r.Position); err != nil {
		return err
	}
	id := s.namedLink(e.LinkID)
	if id == (topics.LinkID{}) || e.Type == topics.LinkCommandRefused {
		return nil
	}
	return s.evolveLink(s.link(id.UUID), &e, r.Position)
}

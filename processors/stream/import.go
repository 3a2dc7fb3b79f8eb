package stream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/topics"
)

// Import brings a database that was restored to an earlier time up to what was published: the published records of
// [M, N) are read from the output topics, stored in stream_log and handed to the State, which must be a Restorer. Nothing
// is decided again. It returns the positions from and up to which it went.
//
// Each batch is one transaction that moves M, so an interrupted import goes on where it was.
func (r *Recovery) Import(ctx context.Context, partition int32, outputs []string) (from, to int64, err error) {
	first := true
	err = r.repair(ctx, partition, func(c *claim, e *evidence) error {
		begin, end, err := r.importTo(ctx, c, e, outputs)
		if first {
			from, first = begin, false
		}
		to = end
		return err
	})
	return from, to, err
}

func (r *Recovery) importTo(ctx context.Context, c *claim, e *evidence, outputs []string) (from, to int64, err error) {
	from, to = e.Applied.Next, e.Position.Next
	if !e.Declared || from >= to {
		return from, from, fmt.Errorf("nothing to import: applied up to %d, published up to %d", from, to)
	}
	s := &session{Fold: r.fold, partition: e.Partition, suspects: &suspects{}, log: r.fold.log, at: e.Applied}
	if !s.at.Found {
		if err := s.rowFrom(&e.Position); err != nil {
			return 0, 0, err
		}
	}
	if err := s.open(ctx); err != nil {
		return 0, 0, err
	}
	defer s.state.Close()
	restorer, ok := s.state.(Restorer)
	if !ok {
		return 0, 0, fmt.Errorf("the program of %s cannot be restored from what it published", e.Role)
	}
	published, err := openPublished(ctx, &c.reader, r.fold, outputs, from, to)
	if err != nil {
		return 0, 0, err
	}
	defer published.close()
	for s.at.Next < to {
		if err := s.restore(ctx, restorer, published, to); err != nil {
			return from, s.at.Next, fmt.Errorf("import: %w", err)
		}
	}
	return from, to, r.follow(ctx, c, e, s.at)
}

// rowFrom takes base and topic of an empty database from the position record.
func (s *session) rowFrom(p *Position) error {
	id, err := hex.DecodeString(p.TopicID)
	if err != nil || len(id) != len(s.at.TopicID) {
		return fmt.Errorf("position record: topic id %q is not 16 bytes in hexadecimal", p.TopicID)
	}
	s.at.TopicID = [16]byte(id)
	s.at.Base, s.at.Next = p.Base, 0
	return nil
}

// follow makes up for an adoption that the restored database does not know of, and remembers the last record where the
// input still has it.
func (r *Recovery) follow(ctx context.Context, c *claim, e *evidence, at applied) error {
	to := at
	if e.Position.TopicID == hex.EncodeToString(e.Input.ID[:]) {
		to.Base, to.TopicID = e.Position.Base, e.Input.ID
	}
	offset := to.Next - 1 - to.Base
	if to.TopicID == e.Input.ID && offset >= e.Input.Start && offset < e.Input.End {
		reading, cancel := context.WithTimeout(ctx, r.fold.config.Limits.ClaimTimeout)
		defer cancel()
		err := c.read(reading, e.Topic, offset, offset+1, func(r *kgo.Record) {
			record := recordOf(r, to.Next-1)
			to.LastHash = hashOf(&record)
		})
		if err != nil {
			return fmt.Errorf("read the last applied record %d: %w", to.Next-1, err)
		}
	}
	return r.move(ctx, e.Partition, at, to)
}

// restore imports one batch: what the next records published, or the empty rest up to the end.
func (s *session) restore(ctx context.Context, restorer Restorer, published *publishedRecords, end int64) error {
	records, err := published.next(ctx, s.config.Limits)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Limits.DatabaseTimeout)
	defer cancel()
	b := batch{next: end, hash: []byte{}}
	if len(records) > 0 {
		b.next = records[len(records)-1].Position + 1
		if err := guard(func() error { return restorer.LoadRestored(ctx, records) }); err != nil {
			return fmt.Errorf("load: %w", err)
		}
	}
	for i := range records {
		record := &records[i]
		if err := guard(func() error { return restorer.Restore(*record) }); err != nil {
			return fmt.Errorf("restore record %d: %w", record.Position, err)
		}
		frame, err := s.frames.Encode(record.Time, record.Outputs)
		if err != nil {
			return fmt.Errorf("restore record %d: %w", record.Position, err)
		}
		b.positions = append(b.positions, record.Position)
		b.frames = append(b.frames, frame)
	}
	t := &turn{session: s, batch: b}
	if err := t.seal(); err != nil {
		return err
	}
	if err := commit(ctx, s.config.DB, t); err != nil {
		return fmt.Errorf("apply [%d, %d): %w", s.at.Next, b.next, err)
	}
	return t.committed()
}

// publishedRecords reads the output topics of one partition side by side, by position.
type publishedRecords struct {
	cursors []*publishedCursor
	end     int64
}

// publishedCursor reads one topic of one partition forward.
type publishedCursor struct {
	client    *kgo.Client
	topic     string
	partition int32
	from, to  int64 // positions
	last      int64 // offset of the last record to read
	water     HighWater
	held      []Restored // one output each
	done      bool
}

func openPublished(ctx context.Context, r *reader, f *Fold, outputs []string, from, to int64) (*publishedRecords, error) {
	p := &publishedRecords{end: to}
	for _, topic := range outputs {
		starts, err := r.admin.ListStartOffsets(ctx, topic)
		if err != nil {
			return nil, fmt.Errorf("list offsets of %s: %w", topic, err)
		}
		// An end that an open transaction holds back would leave what was published after it out of the database, for good.
		ends, err := broker.CommittedEnds(ctx, r.admin, topic)
		if err != nil {
			return nil, fmt.Errorf("list offsets of %s: %w", topic, err)
		}
		cursor, err := openCursor(ctx, r, f, topic, listed(starts, topic, r.partition), listed(ends, topic, r.partition), from)
		if err != nil {
			p.close()
			return nil, err
		}
		cursor.from, cursor.to = from, to
		p.cursors = append(p.cursors, cursor)
	}
	return p, nil
}

func listed(offsets kadm.ListedOffsets, topic string, partition int32) int64 {
	o, _ := offsets.Lookup(topic, partition)
	return o.Offset
}

// openCursor looks backwards, in widening windows, for the first offset from which on the positions are read.
func openCursor(ctx context.Context, r *reader, f *Fold, topic string, start, end, from int64) (*publishedCursor, error) {
	cursor := &publishedCursor{topic: topic, partition: r.partition, last: end - 1, done: end <= start}
	if cursor.done {
		return cursor, nil
	}
	at := end
	for width := int64(firstWindow); at > start; width *= windowGrowth {
		window := max(start, at-width)
		older := false
		err := r.read(ctx, topic, window, at, func(record *kgo.Record) {
			id, err := eventIDOf(record)
			older = older || err == nil && id.Position < from
		})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", topic, err)
		}
		if at = window; older {
			break
		}
	}
	client, err := kgo.NewClient(append(readerOptions(f.config.Kafka, f.config.Limits),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {r.partition: kgo.NewOffset().At(at).WithEpoch(-1)}}))...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	cursor.client = client
	return cursor, nil
}

func (p *publishedRecords) close() {
	for _, cursor := range p.cursors {
		if cursor.client != nil {
			cursor.client.Close()
		}
	}
}

// next returns the outputs of the next records, at most BatchRecords of them; none at the end.
func (p *publishedRecords) next(ctx context.Context, limits Limits) ([]Restored, error) {
	var records []Restored
	for len(records) < limits.BatchRecords {
		position := p.end
		for _, cursor := range p.cursors {
			if err := cursor.fill(ctx, limits.ClaimTimeout); err != nil {
				return nil, err
			}
			if len(cursor.held) > 0 {
				position = min(position, cursor.held[0].Position)
			}
		}
		if position == p.end {
			return records, nil
		}
		record := Restored{Position: position}
		for _, cursor := range p.cursors {
			if err := cursor.take(ctx, &record, limits.ClaimTimeout); err != nil {
				return nil, err
			}
		}
		records = append(records, record)
	}
	return records, nil
}

// take moves the outputs of one position over to the record.
func (c *publishedCursor) take(ctx context.Context, record *Restored, limit time.Duration) error {
	for {
		if err := c.fill(ctx, limit); err != nil {
			return err
		}
		if len(c.held) == 0 || c.held[0].Position != record.Position {
			return nil
		}
		record.Partition, record.Time = c.held[0].Partition, c.held[0].Time
		record.Outputs = append(record.Outputs, c.held[0].Outputs...)
		c.held = c.held[1:]
	}
}

// fill reads on until an output in [from, to) is held or the topic is read.
func (c *publishedCursor) fill(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for len(c.held) == 0 && !c.done {
		fetches := c.client.PollFetches(ctx)
		if err := errors.Join(ctx.Err(), fetches.Err()); err != nil {
			return fmt.Errorf("read %s: %w", c.topic, err)
		}
		var failure error
		fetches.EachRecord(func(r *kgo.Record) {
			c.done = c.done || r.Offset >= c.last
			if r.Offset > c.last || r.Attrs.IsControl() || failure != nil {
				return
			}
			failure = c.hold(r)
		})
		if failure != nil {
			return failure
		}
	}
	return nil
}

func (c *publishedCursor) hold(r *kgo.Record) error {
	record := recordOf(r, 0)
	envelope, err := topics.ParseEnvelope(record.Headers)
	if err != nil {
		return fmt.Errorf("%s partition %d offset %d: %w", c.topic, r.Partition, r.Offset, err)
	}
	id, err := topics.ParseEventID(envelope.ID)
	if err != nil {
		return fmt.Errorf("%s partition %d offset %d: %w", c.topic, r.Partition, r.Offset, err)
	}
	fresh, err := c.water.Accept(r.Partition, envelope.ID)
	if err != nil {
		return fmt.Errorf("%s partition %d offset %d: %w", c.topic, r.Partition, r.Offset, err)
	}
	if fresh && id.Position >= c.from && id.Position < c.to {
		c.held = append(c.held, Restored{Partition: r.Partition, Position: id.Position, Time: envelope.Time,
			Outputs: []Output{{Topic: c.topic, Key: r.Key, Value: r.Value, Envelope: envelope}}})
	}
	return nil
}

func eventIDOf(r *kgo.Record) (topics.EventID, error) {
	for _, h := range r.Headers {
		if h.Key == topics.HeaderID {
			return topics.ParseEventID(string(h.Value))
		}
	}
	return topics.EventID{}, errors.New("no ce_id")
}

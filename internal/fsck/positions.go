package fsck

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// snapshot is what one partition's check goes up to.
type snapshot struct {
	partition int32
	applied   bool  // a row of stream_positions exists
	next      int64 // M
	base      int64
	topicID   []byte
	lastHash  []byte
	published publishedState
}

// publishedState is what the topics of a partition held, before and after N was read.
type publishedState struct {
	found  bool
	next   int64            // N
	base   int64            // as it was when N was published
	topic  string           // id of the input topic then, in hex
	before map[string]int64 // committed ends before N was read: what lies below is below N
	after  map[string]int64 // committed ends after N was read: what is below N lies below
}

// snapshots takes a snapshot of each partition. Where the engine stands still it waits until M and N meet; where they do
// not, or the engine runs, what is not published yet is noted.
func (c *checker) snapshots(ctx context.Context) ([]snapshot, error) {
	deadline := time.Now().Add(c.Settle)
	var applied int64
	for look := 0; ; look++ {
		all, err := c.look(ctx)
		if err != nil {
			return nil, err
		}
		var lag, sum int64
		for _, s := range all {
			sum += s.next
			if c.topics != nil {
				lag += max(s.next-max(s.published.next, s.base), 0)
			}
		}
		running := look > 0 && sum != applied
		if lag == 0 || running || time.Now().After(deadline) {
			if lag > 0 {
				c.note("%d applied records are not published yet: %s", lag, why(running))
			}
			return all, nil
		}
		applied = sum
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

func why(running bool) string {
	if running {
		return "the engine is at work"
	}
	return "the engine publishes them when it starts again"
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(settlePause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *checker) look(ctx context.Context) ([]snapshot, error) {
	var before, after ends
	var last []publishedState
	var err error
	if c.topics != nil {
		if before, err = c.topics.ends(ctx); err != nil {
			return nil, err
		}
		c.partitions = before.partitions
		if last, err = c.topics.positions(ctx, before.partitions); err != nil {
			return nil, err
		}
	}
	all, err := c.appliedPositions(ctx)
	if err != nil || c.topics == nil {
		return all, err
	}
	if after, err = c.topics.ends(ctx); err != nil {
		return nil, err
	}
	for i := range all {
		s := &all[i]
		if int(s.partition) < len(last) {
			s.published = last[s.partition]
			s.published.before, s.published.after = before.of(s.partition), after.of(s.partition)
		}
	}
	return all, nil
}

// appliedPositions reads M of every partition that the topics have or a table holds rows of.
func (c *checker) appliedPositions(ctx context.Context) ([]snapshot, error) {
	const highest = `SELECT GREATEST(
	(SELECT max(partition) FROM stream_positions), (SELECT max(partition) FROM stream_log),
	(SELECT max(partition) FROM payments), (SELECT max(partition) FROM accounts),
	(SELECT max(partition) FROM entries), (SELECT max(partition) FROM timers), (SELECT max(partition) FROM wallets),
	(SELECT max(partition) FROM holds), (SELECT max(partition) FROM rounds), -1)`
	var all []snapshot
	err := c.read(ctx, func(tx pgx.Tx) error {
		var top int32
		if err := tx.QueryRow(ctx, highest).Scan(&top); err != nil {
			return fmt.Errorf("look for partitions: %w", err)
		}
		all = make([]snapshot, max(top+1, c.partitions))
		for i := range all {
			all[i].partition = int32(i)
		}
		rows, _ := tx.Query(ctx, `SELECT partition, next, base, topic_id, last_hash FROM stream_positions WHERE role = $1 AND partition >= 0`, role)
		var s snapshot
		_, err := pgx.ForEachRow(rows, []any{&s.partition, &s.next, &s.base, &s.topicID, &s.lastHash}, func() error {
			s.applied = true
			all[s.partition] = s
			s = snapshot{}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read stream_positions: %w", err)
		}
		return nil
	})
	return all, err
}

// position checks M and N against each other and against what the tables hold.
func (p *partitionCheck) position(ctx context.Context) error {
	subject := fmt.Sprintf("stream_positions of %s", role)
	if p.topics != nil && p.snapshot.partition >= p.partitions {
		p.problem("position", subject, "the topics have %d partitions", p.partitions)
	}
	if p.next < p.base {
		p.problem("position", subject, "next %d is below base %d", p.next, p.base)
	}
	switch {
	case p.topics == nil:
	case p.published.found && p.published.next > p.next:
		p.problem("position", subject, "published up to %d, applied only up to %d: the database was restored behind the topics",
			p.published.next, p.next)
	case !p.published.found && p.applied:
		p.problem("position", subject, "applied up to %d, but %s holds no position", p.next, topics.Positions)
	}
	// Only weir recover changes the base, in both places; or else it is another topic's.
	if p.published.found && p.published.topic == hex.EncodeToString(p.topicID) && p.published.base != p.base {
		p.problem("position", subject, "base %d, it was %d when position %d was published: records of %s would be skipped or applied again",
			p.base, p.published.base, p.published.next, topics.Inbox)
	}
	return p.beyond(ctx)
}

// beyond looks for rows that no applied record can have made.
func (p *partitionCheck) beyond(ctx context.Context) error {
	type row struct{ Next, Logged, Posted, Input int64 }
	rows, err := collect[row](ctx, p.checker, `SELECT
	COALESCE((SELECT next FROM stream_positions WHERE role = $1 AND partition = $2), 0),
	COALESCE((SELECT max(position) FROM stream_log WHERE role = $1 AND partition = $2), -1),
	COALESCE((SELECT max(place) >> 16 FROM entries WHERE partition = $2), -1),
	COALESCE((SELECT max(position) FROM applied_inputs WHERE partition = $2), -1)`, role, p.snapshot.partition)
	if err != nil {
		return fmt.Errorf("compare the applied position with the tables: %w", err)
	}
	r := rows[0]
	for _, last := range []struct {
		table    string
		position int64
	}{{"stream_log", r.Logged}, {"entries", r.Posted}, {"applied_inputs", r.Input}} {
		if last.position >= r.Next {
			p.problem("position", fmt.Sprintf("%s at position %d", last.table, last.position),
				"applied only up to %d: no record at or after that can have a row", r.Next)
		}
	}
	return nil
}

// input compares the last applied record of the input with its hash.
func (p *partitionCheck) input(ctx context.Context) error {
	if p.topics == nil || !p.applied || p.next <= p.base || len(p.lastHash) == 0 {
		return nil
	}
	position := p.next - 1
	subject := p.at(position, 0).String() + " of " + topics.Inbox
	id, err := p.topics.topicID(ctx, topics.Inbox)
	if err != nil {
		return err
	}
	if !bytes.Equal(id[:], p.topicID) {
		p.problem("position", subject, "the input topic has id %x, applied was topic %x: it was recreated", id[:], p.topicID)
		return nil
	}
	r, err := p.topics.record(ctx, topics.Inbox, p.snapshot.partition, position-p.base)
	switch {
	case errors.Is(err, errAgedOut):
		p.note("partition %d: the last applied record of %s is past its retention", p.snapshot.partition, topics.Inbox)
		return nil
	case errors.Is(err, errNotThere):
		p.problem("position", subject, "applied, but the topic ends before it")
		return nil
	case err != nil:
		return err
	}
	if hash := stream.InputHash(r); !bytes.Equal(hash, p.lastHash) {
		p.problem("position", subject, "the record's hash is %x, that of the one applied was %x", hash, p.lastHash)
	}
	return nil
}

package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/topics"
)

// deathRate is how many commands a second are written while a process dies.
const deathRate = 1000

// riskDeath kills a process that counts, under load, and takes the longest that any command waited for its decision: where
// the process is started again at once, and where another one has to take its partitions. The latter waits for the
// session's end first, which is set to the least that is allowed.
func (b *bench) riskDeath(ctx context.Context) error {
	one, err := b.counting(ctx, "one", sixDimensions())
	if err != nil {
		return err
	}
	slowest, err := b.slowest(ctx, func() error {
		if err := one.kill(); err != nil {
			return err
		}
		one, err = b.counting(ctx, "one", sixDimensions())
		return err
	})
	if err = errors.Join(err, one.stop()); err != nil {
		return err
	}
	b.figure("SIGKILL of the risk stage and start again: slowest decision", "ms", "< 2000", slowest)

	if err := b.empty(ctx); err != nil {
		return err
	}
	const short = "stream.session_timeout=1s"
	if one, err = b.counting(ctx, "one", sixDimensions(), "--set", short); err != nil {
		return err
	}
	two, err := b.counting(ctx, "two", sixDimensions(), "--set", short)
	if err != nil {
		return errors.Join(err, one.stop())
	}
	slowest, err = b.slowest(ctx, two.kill)
	if err = errors.Join(err, one.stop()); err != nil {
		return err
	}
	b.figure("SIGKILL of one of two for good, session_timeout 1s: slowest decision", "ms", "", slowest)
	return nil
}

// slowest is the longest that a command waited while something happened, in milliseconds.
func (b *bench) slowest(ctx context.Context, happens func() error) (int64, error) {
	took, err := b.paced(ctx, deathRate, deathRate*int(2*sample/time.Second), happens)
	if err != nil {
		return 0, err
	}
	return slices.Max(took).Milliseconds(), nil
}

// paced writes n attempts, so many a second, and returns how long each took to its first assessment, in the order in which
// they were written. In the middle of it something may happen.
func (b *bench) paced(ctx context.Context, rate, n int, happens func() error) ([]time.Duration, error) {
	records, err := attempts(n)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(with(b.kafka, kgo.ConsumeTopics(topics.Inbox), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.ProducerLinger(0))...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(n/rate)*time.Second+time.Minute)
	defer cancel()
	sent, took := make([]atomic.Int64, n), make([]time.Duration, n)
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		for i, record := range records {
			if early := time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate))); early > time.Millisecond {
				if err := pause(ctx, early); err != nil {
					return err
				}
			}
			if i == n/2 && happens != nil {
				group.Go(happens)
			}
			sent[i].Store(int64(time.Since(began)))
			client.Produce(ctx, record, nil)
		}
		return nil
	})
	group.Go(func() error {
		for seen := 0; seen < n; {
			fetches := client.PollFetches(ctx)
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("%d of %d commands are assessed: %w", seen, n, err)
			}
			now := time.Since(began)
			for r := range fetches.RecordsAll() {
				i, err := strconv.Atoi(header(r, topics.HeaderTraceID))
				if err != nil || i < 0 || i >= n {
					return fmt.Errorf("an assessment of trace %q", header(r, topics.HeaderTraceID))
				}
				if took[i] == 0 {
					took[i] = now - time.Duration(sent[i].Load())
					seen++
				}
			}
		}
		return nil
	})
	return took, group.Wait()
}

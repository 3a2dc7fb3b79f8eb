package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	warmUp = 5 * time.Second
	sample = 10 * time.Second // rates are counted in intervals of this length
	crash  = 30 * time.Second // at most, until payments complete again after a SIGKILL
)

// topic measures complete payments where the PSP's results are fed at the topic.
func (b *bench) topic(ctx context.Context) error {
	p, err := b.start(ctx, "risk,payments,api")
	if err != nil {
		return err
	}
	before, err := sizesOf(ctx, b.db)
	if err != nil {
		return err
	}
	var rates []int64
	load := newLoad(b.kafka, tenant, partitions)
	err = under(ctx, load, true, func(ctx context.Context) error {
		rates, err = b.rates(ctx, load)
		return err
	})
	if err != nil {
		return errors.Join(err, p.stop())
	}
	b.figure("payments, PSP results fed at the topic", "/s", "≥ 5000, aim 10000", rates...)
	b.firstMinute, b.stored = rates, load.completed.Load()
	if err := b.bytes(ctx, before, load.completed.Load()); err != nil {
		return errors.Join(err, p.stop())
	}
	return p.stop()
}

// starter is topic with the starter rules in force, which count by card, customer, device and address what was attempted,
// approved and declined.
func (b *bench) starter(ctx context.Context) error {
	rules := filepath.Join(b.dir, "starter")
	if out, err := exec.CommandContext(ctx, b.Engine, "rules", "init", rules).CombinedOutput(); err != nil {
		return fmt.Errorf("rules init: %w: %s", err, out)
	}
	p, err := b.start(ctx, "risk,velocity,payments,api", "--set", "risk.rules="+rules)
	if err != nil {
		return err
	}
	var rates []int64
	load := newStrangersLoad(b.kafka)
	err = under(ctx, load, true, func(ctx context.Context) error {
		rates, err = b.rates(ctx, load)
		return err
	})
	if err == nil {
		b.figure("payments with the starter rules and velocity, PSP results fed at the topic", "/s", "≥ 4000, aim 8000", rates...)
	}
	return errors.Join(err, p.stop())
}

// gateway measures complete payments where the gateway calls the sandbox over loopback HTTP.
func (b *bench) gateway(ctx context.Context) error {
	p, err := b.start(ctx, "risk,velocity,payments,psp,webhooks,statements,api")
	if err != nil {
		return err
	}
	var rates []int64
	load := newLoad(b.kafka, tenant, partitions)
	err = under(ctx, load, false, func(ctx context.Context) error {
		rates, err = b.rates(ctx, load)
		return err
	})
	if err == nil {
		b.figure("payments, gateway calls the sandbox over HTTP", "/s", "≥ 2500", rates...)
	}
	return errors.Join(err, p.stop())
}

// growth stores payments, and measures again what may have become slower or larger.
func (b *bench) growth(ctx context.Context) error {
	if b.Payments == 0 {
		return nil
	}
	p, err := b.start(ctx, "risk,payments,api")
	if err != nil {
		return err
	}
	var last []int64
	load := newLoad(b.kafka, tenant, partitions)
	err = under(ctx, load, true, func(ctx context.Context) (err error) {
		if err = until(ctx, load, b.Payments-b.stored); err != nil {
			return err
		}
		last, err = b.rates(ctx, load)
		return err
	})
	if err != nil {
		return errors.Join(err, p.stop())
	}
	b.figure(fmt.Sprintf("payments after %d are stored", b.Payments), "/s", "", last...)
	b.figure("rate then, of the first minute's", "%", "≥ 85", 100*median(last)/max(1, median(b.firstMinute)))
	peak, err := p.peakMemory()
	if err != nil {
		return errors.Join(err, p.stop())
	}
	b.figure("engine's memory, peak, beside an external broker", "MiB", "< 512", peak)
	if err := b.recovery(ctx, p); err != nil {
		return err
	}
	return b.restart(ctx)
}

// recovery kills the engine under load and takes the time until payments complete again.
func (b *bench) recovery(ctx context.Context, p *process) error {
	var took time.Duration
	load := newLoad(b.kafka, tenant, partitions)
	err := under(ctx, load, true, func(ctx context.Context) error {
		if err := until(ctx, load, 10_000); err != nil {
			return err
		}
		if err := p.kill(); err != nil {
			return err
		}
		began, next := time.Now(), load.completed.Load()+2*outstanding
		var err error
		if p, err = b.start(ctx, "risk,payments,api"); err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, crash)
		defer cancel()
		if err := until(limited, load, next); err != nil {
			return err
		}
		took = time.Since(began)
		return nil
	})
	if err == nil {
		b.figure("SIGKILL under load to complete payments again", "ms", "< 10000", took.Milliseconds())
	}
	return errors.Join(err, p.stop())
}

// restart closes broker and database and starts everything embedded in one process on the same data.
func (b *bench) restart(ctx context.Context) error {
	if err := b.close(); err != nil {
		return err
	}
	var ready []int64
	for range 3 {
		p, err := b.embedded(ctx, b.dir, "risk,payments,api,sandbox")
		if err != nil {
			return err
		}
		ready = append(ready, p.ready.Milliseconds())
		if err := p.stop(); err != nil {
			return err
		}
	}
	b.figure("start of everything embedded on these data, to ready", "ms", "< 3000", ready...)
	return nil
}

// under runs a measurement under load.
func under(ctx context.Context, l *load, answer bool, measure func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.run(ctx, answer) })
	group.Go(func() error {
		defer cancel()
		return measure(ctx)
	})
	return group.Wait()
}

// rates counts completed payments per second in intervals.
func (b *bench) rates(ctx context.Context, l *load) ([]int64, error) {
	return rates(ctx, l, max(1, int(b.For/sample)), min(sample, b.For))
}

// rates counts what is done per second, in intervals.
func rates(ctx context.Context, l *load, intervals int, each time.Duration) ([]int64, error) {
	if err := pause(ctx, warmUp); err != nil {
		return nil, err
	}
	var rates []int64
	for range intervals {
		before, began := l.completed.Load(), time.Now()
		if err := pause(ctx, each); err != nil {
			return nil, err
		}
		rates = append(rates, (l.completed.Load()-before)*int64(time.Second)/int64(time.Since(began)))
	}
	return rates, nil
}

// until waits for a number of completed payments.
func until(ctx context.Context, l *load, completed int64) error {
	for l.completed.Load() < completed {
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("%d of %d payments completed: %w", l.completed.Load(), completed, err)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func median(samples []int64) int64 {
	if len(samples) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[len(sorted)/2]
}

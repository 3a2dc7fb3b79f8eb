package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/topics"
)

const (
	riskCommands = 300_000 // of the rate
	riskRate     = 5000    // commands a second of the latencies
)

// risk measures the risk stage by itself: the roles risk and velocity, with nothing behind them. What it leaves in the inbox
// is nobody's, so each part begins on empty data, and so does what follows.
func (b *bench) risk(ctx context.Context) error {
	for _, measure := range []func(context.Context) error{b.riskRate, b.riskLatency, b.riskRestore, b.riskDeath} {
		if err := errors.Join(measure(ctx), b.empty(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// sixDimensions counts by six fields, with four definitions of each of the first two and one of the others.
func sixDimensions() string {
	var text strings.Builder
	text.WriteString("version: 1\nvelocity:\n")
	var reads []string
	for i, by := range []string{"card.fingerprint", "context.device_id", "context.ip", "customer.id", "card.bin", "context.email"} {
		define := func(name, how, limit string) {
			fmt.Fprintf(&text, "  - { name: d%d_%s, events: [attempt], by: %s, %s }\n", i, name, by, how)
			reads = append(reads, fmt.Sprintf("velocity.d%d_%s >= %s", i, name, limit))
		}
		define("count_1h", "aggregate: count, window: 1h", "1000000")
		if i < 2 {
			define("count_24h", "aggregate: count, window: 24h", "1000000")
			define("sum_24h", "aggregate: sum, window: 24h, currency: EUR", `money("1000000000.00 EUR")`)
			define("distinct_7d", "aggregate: distinct, window: 7d, of: card.last4", "1000000")
		}
	}
	fmt.Fprintf(&text, "rules:\n  - { name: any, when: '%s', outcome: block, on_missing: hold }\n", strings.Join(reads, " || "))
	return text.String()
}

const nothingCounted = "version: 1\nrules:\n  - { name: any, when: 'tenant == \"nobody\"', outcome: hold, on_missing: hold }\n"

// counting starts an engine that assesses and counts by these rules.
func (b *bench) counting(ctx context.Context, instance, rules string, more ...string) (*process, error) {
	file := filepath.Join(b.dir, "rules.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		return nil, err
	}
	return b.start(ctx, "risk,velocity", append([]string{"--set", "risk.rules=" + file, "--set", "stream.instance_id=" + instance}, more...)...)
}

// attempts makes commands of many customers, with cards and devices that come again. Each is traced by its number.
func attempts(n int) ([]*kgo.Record, error) {
	random := rand.New(rand.NewPCG(11, 13))
	records := make([]*kgo.Record, n)
	for i := range records {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		who := random.IntN(customers)
		customer := fmt.Sprintf("cus_%06d", who)
		value, err := topics.Marshal(topics.Command{
			CommandID: id.String(), TraceID: fmt.Sprint(i), Type: topics.CommandCreate, Tenant: tenant, CustomerID: customer, Amount: 4000,
			Currency: "EUR", Authorize: true,
			Card: &topics.Card{Token: "tok_approved", Fingerprint: fmt.Sprint("fp_", who), BIN: fmt.Sprint(411111 + random.IntN(500)),
				Last4: fmt.Sprintf("%04d", random.IntN(1000))},
			Context: &topics.Context{DeviceID: fmt.Sprint("dev_", random.IntN(60_000)), Email: fmt.Sprintf("a%d@example.com", who),
				IP: fmt.Sprintf("203.0.%d.%d", random.IntN(100), random.IntN(250))},
		})
		if err != nil {
			return nil, err
		}
		records[i] = &kgo.Record{Topic: topics.Commands, Key: []byte(customer), Value: value}
	}
	return records, nil
}

// riskRate measures how fast what waits in the topic is assessed.
func (b *bench) riskRate(ctx context.Context) error {
	records, err := attempts(riskCommands)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(b.kafka...)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := broker.ApplyTopics(ctx, kadm.NewClient(client), partitions, 1); err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	p, err := b.counting(ctx, "one", sixDimensions(), "--set", "velocity.within=10s") // of what waits, none is late
	if err != nil {
		return err
	}
	rate, err := b.assessedRate(ctx, client)
	if err == nil {
		err = b.wantAnswers(ctx)
	}
	if err == nil {
		b.figure("risk stage, six dimensions, durable: commands", "/s", "≥ 20000", rate)
	}
	return errors.Join(err, p.stop())
}

// assessedRate is taken over all commands but the first tenth.
func (b *bench) assessedRate(ctx context.Context, client *kgo.Client) (int64, error) {
	admin := kadm.NewClient(client)
	var from int64
	var began time.Time
	for {
		ends, err := admin.ListEndOffsets(ctx, topics.Inbox)
		if err != nil {
			return 0, err
		}
		done := int64(0)
		ends.Each(func(o kadm.ListedOffset) { done += o.Offset })
		if began.IsZero() && done >= riskCommands/10 {
			from, began = done, time.Now()
		}
		if done >= riskCommands {
			return (done - from) * int64(time.Second) / int64(time.Since(began)), nil
		}
		if err := pause(ctx, readyEvery); err != nil {
			return 0, err
		}
	}
}

// wantAnswers looks for answers that are missing among what was assessed: they were not worked for.
func (b *bench) wantAnswers(ctx context.Context) error {
	client, err := kgo.NewClient(with(b.kafka, kgo.ConsumeTopics(topics.Inbox), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return err
	}
	defer client.Close()
	missing := 0
	for seen := 0; seen < riskCommands; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for r := range fetches.RecordsAll() {
			seen++
			if bytes.Contains(r.Value, []byte(`"missing":true`)) {
				missing++
			}
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d commands miss answers of velocity", missing)
	}
	return nil
}

// riskLatency measures how much longer a command is on its way to the inbox because velocity is asked.
func (b *bench) riskLatency(ctx context.Context) error {
	var p50, p99 [2]int64
	for i, rules := range []string{sixDimensions(), nothingCounted} {
		if i > 0 {
			if err := b.empty(ctx); err != nil {
				return err
			}
		}
		p, err := b.counting(ctx, "one", rules)
		if err != nil {
			return err
		}
		took, err := b.paced(ctx, riskRate, riskRate*int(min(2*sample, b.For)/time.Second), nil)
		if err = errors.Join(err, p.stop()); err != nil {
			return err
		}
		took = took[len(took)/10:]
		slices.Sort(took)
		p50[i], p99[i] = took[len(took)/2].Microseconds(), took[len(took)*99/100].Microseconds()
	}
	at := fmt.Sprintf("risk stage at %d/s", riskRate)
	b.figure(at+", nothing counted, p50", "µs", "", p50[1])
	b.figure(at+", nothing counted, p99", "µs", "", p99[1])
	b.figure(at+", added by six dimensions, p50", "µs", "≤ 2000", p50[0]-p50[1])
	b.figure(at+", added by six dimensions, p99", "µs", "≤ 12000", p99[0]-p99[1])
	return nil
}

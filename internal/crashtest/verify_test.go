package crashtest

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/segmentio/encoding/json"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/fsck"
	"github.com/weirhq/weir/ledger/statement"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

const (
	quietLimit = 90 * time.Second // until nothing is on its way any more
	checkLimit = 2 * time.Minute  // for all checks
	maxShown   = 15               // of what is wrong in one respect
)

// verify waits until nothing is on its way any more and checks everything. Engines must run.
func (tr *traffic) verify() {
	tr.t.Helper()
	ctx, cancel := context.WithTimeout(tr.t.Context(), checkLimit)
	defer cancel()
	db := tr.world.openDatabase(ctx)
	client, err := kgo.NewClient(tr.world.kafka()...)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer client.Close()
	tr.quiet(ctx, db, kadm.NewClient(client))
	tr.fsck(ctx, db)
	tr.chain(ctx, db)
	tr.effects()
	tr.walletEffects()
	tr.atThePSP()
	logged := tr.log(ctx, db)
	tr.compareReading("the consumer that was there all the time", logged, tr.seen)
	fresh := observe(tr.t, tr.world.kafka())
	fresh.drained(ctx, logged)
	tr.compareReading("a consumer that reads afterwards", logged, fresh)
	tr.balances(ctx, db, fresh)
	tr.walletBalances(ctx, fresh)
	tr.statements(ctx, db, fresh)
	tr.repeats(ctx)
	tr.t.Logf("%d payments, %d commands over Kafka, %d HTTP answers after %d repeats", len(tr.payments), len(tr.commands), len(tr.answers), tr.retries.Load())
	if tr.t.Failed() {
		tr.world.keepLogs()
	}
}

// some shows the first of what is wrong.
func (tr *traffic) some(what string, wrong []string) {
	tr.t.Helper()
	slices.Sort(wrong)
	for _, line := range wrong[:min(len(wrong), maxShown)] {
		tr.t.Errorf("%s: %s", what, line)
	}
	if len(wrong) > maxShown {
		tr.t.Errorf("%s: and %d more", what, len(wrong)-maxShown)
	}
}

// quiet waits until the PSP owes nothing, and all of the inbox is applied, published and in statements.
func (tr *traffic) quiet(ctx context.Context, db *database.DB, admin *kadm.Client) {
	tr.t.Helper()
	state := ""
	err := until(ctx, quietLimit, func() (bool, error) {
		owed := tr.summary(ctx).Owed
		ends, err := admin.ListEndOffsets(ctx, topics.Inbox)
		if err == nil {
			err = ends.Error()
		}
		if err != nil {
			return false, err
		}
		behind := int64(0)
		for partition, m := range tr.applied(ctx, db) {
			end, _ := ends.Lookup(topics.Inbox, partition)
			behind += end.Offset - m
		}
		projected, err := statement.ReadProgress(ctx, db)
		if err != nil {
			return false, err
		}
		state = fmt.Sprintf("the PSP owes %d, %d records are not applied, %d not in statements", owed, behind, projected.Lag())
		return owed == 0 && behind == 0 && !projected.Behind(), nil
	})
	if err != nil {
		tr.t.Fatalf("not quiet: %v: %s\n%s", err, state, tr.world.engines[0].tail())
	}
}

// applied is M of each partition.
func (tr *traffic) applied(ctx context.Context, db *database.DB) map[int32]int64 {
	tr.t.Helper()
	applied := map[int32]int64{}
	for partition := range int32(partitions) {
		applied[partition] = 0
	}
	rows, err := db.Pool.Query(ctx, `SELECT partition, next - base FROM stream_positions WHERE role = 'payments'`)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var partition int32
		var next int64
		if err := rows.Scan(&partition, &next); err != nil {
			tr.t.Fatal(err)
		}
		applied[partition] = next
	}
	if err := rows.Err(); err != nil {
		tr.t.Fatal(err)
	}
	return applied
}

func (tr *traffic) fsck(ctx context.Context, db *database.DB) {
	tr.t.Helper()
	var problems []string
	counts, err := fsck.Run(ctx, fsck.Config{Database: db, Kafka: tr.world.kafka(),
		Problem: func(p fsck.Problem) { problems = append(problems, p.String()) }})
	if err != nil {
		tr.t.Errorf("fsck: %v", err)
		return
	}
	tr.some("fsck", problems)
	tr.t.Logf("fsck: %d problems; %s", len(problems), counts)
}

// effects: each acknowledged command was carried out once, and each payment is where its story ends.
func (tr *traffic) effects() {
	tr.t.Helper()
	tr.seen.mu.Lock()
	defer tr.seen.mu.Unlock()
	tr.some("refused", tr.seen.refused)
	var wrong []string
	for id, kind := range tr.commands {
		if n := tr.seen.commands[id][effects[kind]]; n != 1 {
			wrong = append(wrong, fmt.Sprintf("command %s: %d %s events: %v", id, n, effects[kind], tr.seen.commands[id]))
		}
	}
	for id, p := range tr.payments {
		h := tr.seen.payments[id]
		if h == nil || h.now != p.end {
			wrong = append(wrong, fmt.Sprintf("payment %d %s: is not %s: %v", p.number, id, p.end, h))
			continue
		}
		for _, kind := range effects {
			if h.events[kind] != p.events[kind] {
				wrong = append(wrong, fmt.Sprintf("payment %d %s: %d %s events, want %d", p.number, id, h.events[kind], kind, p.events[kind]))
			}
		}
	}
	for id := range tr.seen.payments {
		if tr.payments[id] == nil {
			wrong = append(wrong, fmt.Sprintf("payment %s: nobody asked for it", id))
		}
	}
	tr.some("effects", wrong)
}

// summary is what the PSP holds.
func (tr *traffic) summary(ctx context.Context) (s sandbox.Summary) {
	tr.t.Helper()
	tr.ask(ctx, "/v1/test/summary", &s)
	return s
}

func (tr *traffic) ask(ctx context.Context, path string, into any) {
	tr.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, tr.world.psp.URL()+path, nil)
	if err != nil {
		tr.t.Fatal(err)
	}
	response, err := tr.http.Do(request)
	if err != nil {
		tr.t.Fatal(err)
	}
	body, err := drain(response.Body)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		tr.t.Fatalf("GET %s: %v: %s", path, err, body)
	}
}

// atThePSP: each payment that came there was charged once, with the amounts of its story.
func (tr *traffic) atThePSP() {
	tr.t.Helper()
	var wrong []string
	charged := 0
	for id, p := range tr.payments {
		var all []sandbox.Payment
		tr.ask(tr.t.Context(), "/v1/payments/"+id, &all)
		want := 0
		if p.charged {
			want = 1
			charged++
		}
		if len(all) != want {
			wrong = append(wrong, fmt.Sprintf("payment %d %s: charged %d times, want %d", p.number, id, len(all), want))
			continue
		}
		if want == 1 && (all[0].Captured != p.end.captured || all[0].Refunded != p.end.refunded) {
			wrong = append(wrong, fmt.Sprintf("payment %d %s: captured %d and refunded %d, want %s", p.number, id, all[0].Captured, all[0].Refunded, p.end))
		}
	}
	if s := tr.summary(tr.t.Context()); s.Payments != charged {
		wrong = append(wrong, fmt.Sprintf("%d payments, want %d", s.Payments, charged))
	}
	tr.some("at the PSP", wrong)
}

// log is the ids that stream_log says were published, by topic and partition, in order.
func (tr *traffic) log(ctx context.Context, db *database.DB) map[string]map[int32][]string {
	tr.t.Helper()
	frames, err := stream.NewFrames("payments")
	if err != nil {
		tr.t.Fatal(err)
	}
	rows, err := db.Pool.Query(ctx, `SELECT partition, position, frame FROM stream_log WHERE role = 'payments' ORDER BY partition, position`)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer rows.Close()
	logged := idsByTopic()
	for rows.Next() {
		var partition int32
		var position int64
		var frame []byte
		if err := rows.Scan(&partition, &position, &frame); err != nil {
			tr.t.Fatal(err)
		}
		_, outputs, err := frames.Decode(partition, position, frame)
		if err != nil {
			tr.t.Fatal(err)
		}
		for i := range outputs {
			if ids := logged[outputs[i].Topic]; ids != nil {
				ids[partition] = append(ids[partition], outputs[i].Envelope.ID)
			}
		}
	}
	if err := rows.Err(); err != nil {
		tr.t.Fatal(err)
	}
	return logged
}

// drained waits until the observer has read as much as there is, or more.
func (o *observer) drained(ctx context.Context, logged map[string]map[int32][]string) {
	o.t.Helper()
	err := until(ctx, quietLimit, func() (bool, error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		for topic, byPartition := range logged {
			for partition, ids := range byPartition {
				if len(o.ids[topic][partition]) < len(ids) {
					return false, nil
				}
			}
		}
		return true, nil
	})
	if err != nil {
		o.t.Errorf("the topics hold less than the log: %v", err)
	}
}

// compareReading: an observer has read the log, each record once and in order.
func (tr *traffic) compareReading(who string, logged map[string]map[int32][]string, o *observer) {
	tr.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	records := 0
	for topic := range logged {
		for partition := range int32(partitions) {
			want, got := logged[topic][partition], o.ids[topic][partition]
			records += len(got)
			if i := firstDifference(want, got); i >= 0 {
				tr.t.Errorf("%s: %s %d: %d records, the log has %d; they part at %d: read %v, logged %v", who, topic, partition,
					len(got), len(want), i, got[i:min(i+4, len(got))], want[i:min(i+4, len(want))])
			}
		}
	}
	tr.t.Logf("%s: %d records, as logged", who, records)
}

func firstDifference(a, b []string) int {
	if slices.Equal(a, b) {
		return -1
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// balances: what the entries of the topic add up to is what the database holds.
func (tr *traffic) balances(ctx context.Context, db *database.DB, o *observer) {
	tr.t.Helper()
	rows, err := db.Pool.Query(ctx, `SELECT partition, id, tenant, code, owner, currency, balance FROM accounts`)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer rows.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	var wrong []string
	stored := 0
	for rows.Next() {
		var at account
		var b balance
		var id [16]byte
		if err := rows.Scan(&at.partition, &id, &b.tenant, &b.code, &b.owner, &b.currency, &b.amount); err != nil {
			tr.t.Fatal(err)
		}
		at.id = hex.EncodeToString(id[:])
		stored++
		if got, ok := o.balances[at]; !ok || got != b {
			wrong = append(wrong, fmt.Sprintf("%v is %v, the entries say %v", at, b, got))
		}
	}
	if err := rows.Err(); err != nil {
		tr.t.Fatal(err)
	}
	if stored != len(o.balances) {
		wrong = append(wrong, fmt.Sprintf("%d accounts, the entries know %d", stored, len(o.balances)))
	}
	tr.some("balances", wrong)
	tr.t.Logf("%d balances are what the entries say", stored)
}

// repeats: a request that was answered is answered the same again.
func (tr *traffic) repeats(ctx context.Context) {
	tr.t.Helper()
	var wrong []string
	for _, a := range tr.answers {
		status, body, err := tr.send(ctx, tr.world.engines[0].url, a.path, a.key, a.body)
		if err != nil || status != a.status || !bytes.Equal(body, a.answerBody) {
			wrong = append(wrong, fmt.Sprintf("POST %s: %d %s (%v), at first %d %s", a.path, status, body, err, a.status, a.answerBody))
		}
	}
	tr.some("repeats", wrong)
}

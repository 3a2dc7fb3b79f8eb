package fsck

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

func TestNothingIsWrong(t *testing.T) {
	f := newFixture(t)
	f.wantNone() // of nothing
	f.payAll()
	f.wantNone()
	_, _, counts := f.check()
	want := "2 partitions, 24 records, 28 events, 12 entries, 10 accounts, 4 payments, 4 wallets, 0 holds, 0 payouts, 0 rounds, 4 timers, 40 published records, 0 statement lines"
	if counts.String() != want {
		t.Errorf("checked %s, want %s", counts, want)
	}
}

// TestLagIsNoProblem stops the engine after the database commit.
func TestLagIsNoProblem(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	f.pay("late")
	problems, notes, _ := f.check()
	if len(problems) > 0 {
		t.Errorf("problems: %s", strings.Join(problems, "\n"))
	}
	if want := []string{"6 applied records are not published yet: the engine publishes them when it starts again"}; !slices.Equal(notes, want) {
		t.Errorf("notes %q, want %q", notes, want)
	}
	f.publish(topics.PartitionOf("acme", "late", partitions))
	f.wantNone()
}

// TestAbortedIsNotPublished leaves records of an aborted transaction between those that count, and an open one at the end.
func TestAbortedIsNotPublished(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	record := func() *kgo.Record { return &kgo.Record{Topic: topics.Events, Value: []byte("{}")} }
	client := f.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("other"))
	f.must(client.BeginTransaction())
	f.produceOn(client, record())
	f.must(client.EndTransaction(t.Context(), kgo.TryAbort))
	f.wantNone()
	f.pay("late")
	f.publish(topics.PartitionOf("acme", "late", partitions))
	f.must(client.BeginTransaction())
	f.produceOn(client, record())
	f.wantNone()
	f.must(client.EndTransaction(t.Context(), kgo.TryAbort))
}

// corruption is one thing that must not be, and what fsck must say of it, as parts of one problem. A corruption may break
// more than one rule; others that it breaks are not listed.
type corruption struct {
	name  string
	spoil func(f *fixture)
	want  []string
}

func sql(statement string) func(*fixture) { return func(f *fixture) { f.exec(statement) } }

func TestCorruptionInTheDatabaseIsFound(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	f.save()
	const wallet = `(SELECT id FROM accounts WHERE partition = 0 AND code = 'customer_wallet' ORDER BY id LIMIT 1)`
	const payment = `(SELECT id FROM payments WHERE partition = 0 ORDER BY id LIMIT 1)`
	for _, c := range []corruption{
		{"a balance is off", sql(`UPDATE accounts SET balance = balance - 1 WHERE partition = 0 AND id = ` + wallet),
			[]string{"L3: partition 0: account ", "balance -7001, postings sum to -7000"}},
		{"an account is gone", sql(`DELETE FROM accounts WHERE partition = 0 AND id = ` + wallet),
			[]string{"L3", "postings sum to -7000, and there is no such account"}},
		{"money from nowhere", sql(`INSERT INTO accounts VALUES (0, '00000000-0000-0000-0000-000000000000', 'acme', 'customer_wallet', 'x', 'EUR', true, -5)`),
			[]string{"L3", "account 00000000000000000000000000000000", "balance -5, postings sum to 0"}},
		{"two balances change by as much", sql(`UPDATE accounts SET balance = balance + CASE code WHEN 'psp_fees' THEN 1 ELSE -1 END WHERE partition = 0 AND code IN ('psp_fees', 'psp_receivable')`),
			[]string{"L3: partition 0: account ", "balance 581, postings sum to 580"}},
		{"an account of balance zero is gone", sql(`DELETE FROM accounts WHERE partition = 0 AND balance = 0`),
			[]string{"L3", "postings sum to 0, and there is no such account"}},
		{"money in no partition", sql(`INSERT INTO accounts VALUES (-1, '00000000-0000-0000-0000-000000000000', 'acme', 'psp_fees', '', 'EUR', false, 5)`),
			[]string{"partition: partition -1: accounts", "1 rows are of a partition that there cannot be"}},
		{"a guard is off", sql(`UPDATE accounts SET guarded = false WHERE partition = 0 AND id = ` + wallet),
			[]string{"account: partition 0", "guarded is false, the chart of accounts says true"}},
		{"an account changes hands", sql(`UPDATE accounts SET owner = 'eve' WHERE partition = 0 AND id = ` + wallet),
			[]string{"account: partition 0", "customer_wallet of eve", "the id of this tenant, code, owner and currency is"}},
		{"an account that no chart has", sql(`UPDATE accounts SET code = 'petty_cash' WHERE partition = 0 AND id = ` + wallet),
			[]string{"account: partition 0", `"petty_cash" is not in the chart`}},
		{"an amount is changed", sql(`UPDATE entries SET amounts = ARRAY[amounts[1] + 1, amounts[2], amounts[3]] WHERE partition = 0 AND position = 3`),
			[]string{"entry: partition 0: entry 0-3-0", "posting 0: the row has amount 9711, the log 9710"}},
		{"an account is changed in an entry", sql(`UPDATE entries SET accounts = ARRAY[accounts[2], accounts[2], accounts[3]] WHERE partition = 0 AND position = 3`),
			[]string{"entry 0-3-0", "posting 0: the row has account "}},
		{"a posting is cut off", sql(`UPDATE entries SET amounts = ARRAY[amounts[1], amounts[2]] WHERE partition = 0 AND position = 3`),
			[]string{"entry 0-3-0", "the row has malformed amounts: 2, but 3 accounts"}},
		{"a booking time is changed", sql(`UPDATE entries SET booked_at = booked_at + interval '1 day' WHERE partition = 0 AND position = 3`),
			[]string{"entry 0-3-0", "the row is booked at 2026-02-01T"}},
		{"an effective time is changed", sql(`UPDATE entries SET effective = booked_at - interval '1 day' WHERE partition = 0 AND position = 3`),
			[]string{"entry 0-3-0", "the row is effective at 2026-01-30T"}},
		{"a reference is changed", sql(`UPDATE entries SET reference = 'round-7' WHERE partition = 0 AND position = 3`),
			[]string{"entry 0-3-0", `the row has reference "round-7", the log ""`}},
		{"a template is changed", sql(`UPDATE entries SET template = 'gift' WHERE partition = 0 AND position = 3`),
			[]string{"entry 0-3-0", `the row has template "gift", the log "deposit_captured"`}},
		{"an entry is moved to another payment", sql(`UPDATE entries SET payment = NULL WHERE partition = 0 AND position = 3`),
			[]string{"entry 0-3-0", "the row has payment none, the log "}},
		{"an entry is gone", sql(`DELETE FROM entries WHERE partition = 0 AND position = 3`),
			[]string{"entry: partition 0: entry 0-3-0", "published by the log, but not in the table"}},
		{"an entry that nobody published", sql(`INSERT INTO entries (partition, position, ordinal, booked_at, payment, template, accounts, amounts) SELECT partition, position, 7, booked_at, payment, template, accounts, amounts FROM entries WHERE partition = 0 AND position = 3`),
			[]string{"entry: partition 0: entry 0-3-7", "in the table, but the log does not publish it"}},
		{"the last entry that nobody published", sql(`INSERT INTO entries (partition, position, ordinal, booked_at, payment, template, accounts, amounts) SELECT partition, 11, 7, booked_at, payment, template, accounts, amounts FROM entries WHERE partition = 0 AND position = 3`),
			[]string{"entry: partition 0: entry 0-11-7", "in the table, but the log does not publish it"}},
		{"a frame is damaged", sql(`UPDATE stream_log SET frame = substr(frame, 1, 40) WHERE partition = 0 AND position = 1`),
			[]string{"log: partition 0: stream_log at position 1", "frame 0-1"}},
		{"a record of the log is gone", sql(`DELETE FROM stream_log WHERE partition = 0 AND position = 1`),
			[]string{"payment: partition 0: payment pay_0000_", "its positions name 1, the log has no such record"}},
		{"a status is changed", sql(`UPDATE payments SET status = 'captured' WHERE partition = 0 AND id = ` + payment),
			[]string{"payment: partition 0: payment pay_0000_", "status captured, the fold of its events gives partially_refunded"}},
		{"a state is damaged", sql(`UPDATE payments SET state = substr(state, 1, 9) WHERE partition = 0 AND id = ` + payment),
			[]string{"payment pay_0000_", "its state does not decode"}},
		{"a payment is gone", sql(`DELETE FROM payments WHERE partition = 0 AND id = ` + payment),
			[]string{"payment: partition 0: payment pay_0000_", "gave it an event, but there is no such payment"}},
		{"a payment forgets a record", sql(`UPDATE payments SET positions = ARRAY[positions[1], positions[2], positions[3], positions[4], positions[5]], version = positions[5] WHERE partition = 0 AND id = ` + payment),
			[]string{"payment pay_0000_", "gave it an event, but its positions do not name it"}},
		{"a payment claims a record", sql(`UPDATE payments SET positions = positions || 11::int8, version = 11 WHERE partition = 0 AND positions[1] = 0`),
			[]string{"payment pay_0000_", "its positions name 11, but the record there did not change it"}},
		{"a payment's records are out of order", sql(`UPDATE payments SET positions = '{1,0}' WHERE partition = 0 AND id = ` + payment),
			[]string{"payment pay_0000_", "positions [1 0]: want at least one, ascending"}},
		{"a version is off", sql(`UPDATE payments SET version = version - 1 WHERE partition = 0 AND id = ` + payment),
			[]string{"payment pay_0000_", "the last of its positions is"}},
		{"a payment changes hands", sql(`UPDATE payments SET customer = 'eve' WHERE partition = 0 AND id = ` + payment),
			[]string{"payment pay_0000_", "moves the money of acme customer-", "the payment's customer is acme eve"}},
		{"a timer is gone", sql(`DELETE FROM timers WHERE partition = 0 AND payment = ` + payment),
			[]string{"timer: partition 0: payment pay_0000_", "it holds a timer poll of generation 4, there is no row of it"}},
		{"a timer of another generation", sql(`UPDATE timers SET generation = 9 WHERE partition = 0 AND payment = ` + payment),
			[]string{"timer: partition 0: payment pay_0000_", "the row is a timer poll of generation 9", "the payment holds poll of generation 4"}},
		{"a timer rings late", sql(`UPDATE timers SET due = due + interval '1 year' WHERE partition = 0 AND payment = ` + payment),
			[]string{"timer: partition 0: payment pay_0000_", "due 2027-01-31T"}},
		{"a timer of nobody", sql(`UPDATE timers SET payment = '00000000-0000-0000-0000-000000000000' WHERE partition = 0 AND payment = ` + payment),
			[]string{"timer: partition 0: payment pay_0000_00000000000000000000000000000000", "but there is no such payment"}},
		{"applied goes back", sql(`UPDATE stream_positions SET next = next - 1 WHERE partition = 0`),
			[]string{"position: partition 0: stream_log at position 11", "applied only up to 11"}},
		{"applied goes back behind what is published", sql(`UPDATE stream_positions SET next = next - 1 WHERE partition = 0`),
			[]string{"position: partition 0", "published up to 12, applied only up to 11"}},
		{"the applied position is gone", sql(`DELETE FROM stream_positions WHERE partition = 0`),
			[]string{"position: partition 0: stream_log at position 11", "applied only up to 0"}},
		{"an input applied before its time", sql(`INSERT INTO applied_inputs (partition, id, position) VALUES (0, '00000000-0000-0000-0000-000000000000', 99)`),
			[]string{"position: partition 0: applied_inputs at position 99", "applied only up to 12"}},
		{"another record was applied last", sql(`UPDATE stream_positions SET last_hash = '\x00' WHERE partition = 0`),
			[]string{"position: partition 0: 0-11-0 of payments.inbox.v1", "that of the one applied was 00"}},
		{"another input was applied", sql(`UPDATE stream_positions SET topic_id = '\x00' WHERE partition = 0`),
			[]string{"position: partition 0", "applied was topic 00: it was recreated"}},
		{"more was applied than the input holds", sql(`UPDATE stream_positions SET base = -1 WHERE partition = 0`),
			[]string{"position: partition 0", "applied, but the topic ends before it"}},
		{"the next record would be skipped", func(f *fixture) {
			skipped := &kgo.Record{Topic: topics.Inbox, Partition: 0, Key: []byte("eve"), Value: []byte("{}")}
			f.produce(skipped)
			f.exec(`UPDATE stream_positions SET base = base - 1, last_hash = $1 WHERE partition = 0`, stream.InputHash(f.stored(skipped)))
		}, []string{"position: partition 0: stream_positions of payments", "base -1, it was 0 when position 12 was published"}},
		{"a partition that is not there", sql(`INSERT INTO accounts SELECT 7, id, tenant, code, owner, currency, guarded, balance FROM accounts WHERE partition = 0`),
			[]string{"position: partition 7", "the topics have 2 partitions"}},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(f.on(t)) })
	}
}

// TestPaymentOfAnotherPartitionIsFound pays for a customer where the customer does not belong.
func TestPaymentOfAnotherPartitionIsFound(t *testing.T) {
	f := newFixture(t)
	customer := "lost"
	for topics.PartitionOf("acme", customer, partitions) != 1 {
		customer += "!"
	}
	f.pay(customer)
	f.publishAll()
	problems, _, _ := f.check()
	for _, want := range []string{
		"payment: partition 0: payment " + paymentID(customer).String() + ": its customer acme " + customer + " belongs to partition 1",
		"its owner belongs to partition 1",
		"wallet: partition 0: wallet of acme " + customer + ": its customer acme " + customer + " belongs to partition 1",
	} {
		if !slices.ContainsFunc(problems, func(problem string) bool { return strings.Contains(problem, want) }) {
			t.Errorf("want a problem with %q", want)
		}
	}
	if len(problems) != 3 {
		t.Errorf("want these three problems, got\n%s", strings.Join(problems, "\n"))
	}
}

// TestWalletBelowZeroIsFound takes the database's own check away first.
func TestWalletBelowZeroIsFound(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	_, err := f.db.Pool.Exec(t.Context(), `ALTER TABLE accounts DROP CONSTRAINT accounts_floor`)
	f.must(err)
	corruption{"", sql(`UPDATE accounts SET balance = 250 WHERE partition = 0 AND code = 'customer_wallet'`),
		[]string{"L4: partition 0: account ", "acme customer_wallet of customer-", "2.50 EUR below zero"}}.check(f)
}

func TestCorruptionInTheLogIsFound(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	f.save()
	for _, c := range []corruption{
		{"an entry that does not sum to zero", rewrite(3, func(outputs []stream.Output) []stream.Output {
			return replace(outputs, topics.Entries, `"amount":9710`, `"amount":9711`)
		}), []string{"L1: partition 0: entry 0-3-0", "postings do not sum to zero in EUR"}},
		{"a posting under another account's name", rewrite(3, func(outputs []stream.Output) []stream.Output {
			return replace(outputs, topics.Entries, `"code":"psp_fees"`, `"code":"suspense"`)
		}), []string{"log: partition 0: entry 0-3-0", "posting 1: account_id ", "but tenant, code, owner and currency give "}},
		{"an event under another id", rewrite(3, func(outputs []stream.Output) []stream.Output {
			return replace(outputs, topics.Events, `"event_id":"0-3-0"`, `"event_id":"0-4-0"`)
		}), []string{"log: partition 0: event 0-3-0", "its value says event_id 0-4-0"}},
		{"an entry under another id", rewrite(3, func(outputs []stream.Output) []stream.Output {
			return replace(outputs, topics.Entries, `"entry_id":"0-3-0"`, `"entry_id":"0-3-1"`)
		}), []string{"log: partition 0: entry 0-3-0", "its value says entry_id 0-3-1"}},
		{"an event is not JSON", rewrite(3, func(outputs []stream.Output) []stream.Output {
			outputs[0].Value = []byte("{")
			return outputs
		}), []string{"log: partition 0: event 0-3-0"}},
		{"an event of another amount", rewrite(3, func(outputs []stream.Output) []stream.Output {
			return replace(outputs, topics.Events, `"amount":10000`, `"amount":9000`)
		}), []string{"payment: partition 0: payment pay_0000_", "captured says status captured, the fold of the events gives partially_captured"}},
		{"a payment without its first event", rewrite(0, func(outputs []stream.Output) []stream.Output { return outputs[1:] }),
			[]string{"payment: partition 0: payment pay_0000_", "which is not created"}},
		{"an event tells other totals", rewrite(3, func(outputs []stream.Output) []stream.Output {
			return replace(outputs, topics.Events, `"captured":10000`, `"captured":10001`)
		}), []string{"payment: partition 0: payment pay_0000_", "captured says totals", "the fold of the events gives"}},
		{"money that no event speaks of", rewrite(5, func(outputs []stream.Output) []stream.Output {
			return outputs[:1]
		}), []string{"payment: partition 0: payment pay_0000_", "its entries move refunds in flight by -3000", "ask for 0"}},
		{"a record of a topic that is not ours", rewrite(5, func(outputs []stream.Output) []stream.Output {
			outputs[1].Topic = topics.Commands
			return outputs
		}), []string{"log: partition 0: record 0-5-0", "it is of topic payments.commands.v1"}},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(f.on(t)) })
	}
}

// rewrite changes what the log holds at a position of partition 0.
func rewrite(position int64, change func([]stream.Output) []stream.Output) func(*fixture) {
	return func(f *fixture) {
		f.t.Helper()
		var frame []byte
		f.must(f.db.Pool.QueryRow(f.t.Context(), `SELECT frame FROM stream_log WHERE partition = 0 AND position = $1`, position).Scan(&frame))
		at, outputs, err := f.frames.Decode(0, position, frame)
		f.must(err)
		frame, err = f.frames.Encode(at, change(outputs))
		f.must(err)
		f.exec(`UPDATE stream_log SET frame = $2 WHERE partition = 0 AND position = $1`, position, frame)
	}
}

func replace(outputs []stream.Output, topic, old, new string) []stream.Output {
	for i := range outputs {
		if o := &outputs[i]; o.Topic == topic {
			changed := strings.Replace(string(o.Value), old, new, 1)
			if changed == string(o.Value) {
				panic(fmt.Sprintf("%s has no %s: %s", topic, old, o.Value))
			}
			o.Value = []byte(changed)
			return outputs
		}
	}
	panic("no output of " + topic)
}

func TestCorruptionInTheTopicsIsFound(t *testing.T) {
	event := func(id string) *kgo.Record {
		headers := topics.Envelope{ID: id, Source: "weir/payments", Type: topics.TypePaymentEvent}.Headers()
		r := &kgo.Record{Topic: topics.Events, Value: []byte("{}")}
		for _, h := range headers {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
		}
		return r
	}
	for _, c := range []corruption{
		{"an event again at the end", func(f *fixture) { f.produce(event("0-11-0")) },
			[]string{"published: partition 0: payments.events.v1 0-11-0 at offset ", "published again"}},
		{"an event that nobody decided", func(f *fixture) { f.produce(event("0-11-1")) },
			[]string{"published: partition 0: payments.events.v1 0-11-1 at offset ", "in the topic, but not in the log"}},
		{"an event above the published position", func(f *fixture) { f.produce(event("0-12-0")) },
			[]string{"published: partition 0: payments.events.v1 0-12-0 at offset ", "at or above the published position 12"}},
		{"an event of another partition", func(f *fixture) { f.produce(event("1-3-0")) },
			[]string{"published: partition 0: payments.events.v1 1-3-0 at offset ", "its id is of another partition"}},
		{"a record without an id", func(f *fixture) { f.produce(&kgo.Record{Topic: topics.Events, Value: []byte("{}")}) },
			[]string{"published: partition 0: payments.events.v1 at offset ", "header ce_id"}},
		{"the position runs ahead", func(f *fixture) { f.transact(0, f.position(0, 13)) },
			[]string{"position: partition 0", "published up to 13, applied only up to 12"}},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t) })
	}
}

// TestCorruptionOnTheWayIsFound publishes something else than what the log holds.
func TestCorruptionOnTheWayIsFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func([]*kgo.Record) []*kgo.Record
		want   []string
	}{
		{"one is left out", func(r []*kgo.Record) []*kgo.Record { return slices.Delete(r, 2, 3) },
			[]string{"published: partition 0: payments.events.v1 0-1-0", "in the log, but not in the topic, which goes on with 0-2-0 at offset 2"}},
		{"the last one is left out", func(r []*kgo.Record) []*kgo.Record { return r[:len(r)-1] },
			[]string{"published: partition 0: ledger.entries.v1 0-11-0", "in the log, but the topic ends without it"}},
		{"one is published twice", func(r []*kgo.Record) []*kgo.Record { return slices.Insert(r, 3, clone(r[1])) },
			[]string{"published: partition 0: payments.events.v1 0-0-1 at offset 3", "published again"}},
		{"two change places", func(r []*kgo.Record) []*kgo.Record { r[1], r[2] = r[2], r[1]; return r },
			[]string{"published: partition 0: payments.events.v1 0-0-1", "which goes on with 0-1-0"}},
		{"another value", func(r []*kgo.Record) []*kgo.Record { r[2].Value = append(r[2].Value, ' '); return r },
			[]string{"published: partition 0: payments.events.v1 0-1-0 at offset 2", "value differs from the log"}},
		{"another key", func(r []*kgo.Record) []*kgo.Record { r[2].Key = []byte("eve"); return r },
			[]string{"0-1-0 at offset 2", `key "eve" differs from the log`}},
		{"another header", func(r []*kgo.Record) []*kgo.Record { r[2].Headers[4].Value = []byte("x"); return r },
			[]string{"0-1-0 at offset 2", "header ce_subject differs from the log"}},
		{"one header less", func(r []*kgo.Record) []*kgo.Record { r[2].Headers = r[2].Headers[:5]; return r },
			[]string{"0-1-0 at offset 2", "number of headers (5 instead of "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			corruption{c.name, func(f *fixture) {}, c.want}.runWith(t, func(f *fixture) { f.pending[0] = c.change(f.pending[0]) })
		})
	}
}

func clone(r *kgo.Record) *kgo.Record { c := *r; return &c }

func (c corruption) run(t *testing.T) { c.runWith(t, func(*fixture) {}) }

func (c corruption) runWith(t *testing.T, beforePublication func(*fixture)) {
	f := newFixture(t)
	f.storeAll()
	beforePublication(f)
	f.publishAll()
	c.check(f)
}

func (c corruption) check(f *fixture) {
	f.t.Helper()
	c.spoil(f)
	problems, _, _ := f.check()
	if !slices.ContainsFunc(problems, func(problem string) bool {
		return !slices.ContainsFunc(c.want, func(part string) bool { return !strings.Contains(problem, part) })
	}) {
		f.t.Errorf("want a problem with %q, got\n%s", c.want, strings.Join(problems, "\n"))
	}
}

// TestOldRecordsMayBeGone deletes the first records of the topics, as retention does.
func TestOldRecordsMayBeGone(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	f.deleteBefore(topics.Events, 5)
	f.deleteBefore(topics.Entries, 1)
	f.wantNone()
	f.deleteBefore(topics.Events, -1)
	f.deleteBefore(topics.Inbox, -1)
	problems, notes, _ := f.check()
	if len(problems) > 0 {
		t.Errorf("problems: %s", strings.Join(problems, "\n"))
	}
	if !slices.ContainsFunc(notes, func(note string) bool { return strings.Contains(note, "past its retention") }) {
		t.Errorf("notes %q, want one of the input's retention", notes)
	}
}

// TestForcedRefundsAreAccepted books what breaks the limits: facts do, with a case.
func TestForcedRefundsAreAccepted(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	customer := customers(t)[0][0]
	c := ledger.Customer{Tenant: "acme", ID: customer, Currency: "EUR"}
	e, err := ledger.RefundForced(c, 9000, 7000, ledger.Standing{Available: 7000})
	f.must(err)
	f.apply(customer, []topics.PaymentEvent{
		{Type: topics.EventCaseOpened, Refusal: topics.RefusedUnmatchedReport},
		{Type: topics.EventRefunded, Amount: 9000},
	}, e)
	f.publish(0)
	f.wantNone()
}

// TestLimitsWithoutACase is the same without the case that would excuse it.
func TestLimitsWithoutACase(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	customer := customers(t)[0][0]
	c := ledger.Customer{Tenant: "acme", ID: customer, Currency: "EUR"}
	e, err := ledger.RefundForced(c, 9000, 7000, ledger.Standing{Available: 7000})
	f.must(err)
	f.apply(customer, []topics.PaymentEvent{{Type: topics.EventRefunded, Amount: 9000}}, e)
	f.publish(0)
	problems, _, _ := f.check()
	if len(problems) != 1 || !strings.Contains(problems[0], "P: partition 0: payment pay_0000_") || !strings.Contains(problems[0], "P2") {
		t.Errorf("want one problem of P2, got\n%s", strings.Join(problems, "\n"))
	}
}

// TestWithoutTopics checks the database alone.
func TestWithoutTopics(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	counts, err := Run(t.Context(), Config{Database: f.db, Problem: func(p Problem) { t.Error(p) }})
	f.must(err)
	if counts.Records.Load() != 24 || counts.Published.Load() != 0 {
		t.Errorf("checked %s", counts)
	}
}

// TestPages checks more than one page of everything.
func TestPages(t *testing.T) {
	f := newFixture(t)
	const each = pageRows/6 + 20
	for i := range 2 * each {
		f.pay(fmt.Sprintf("customer-%d", i))
	}
	f.publishAll()
	f.wantNone()
	if _, _, counts := f.check(); counts.Payments.Load() != 2*each || counts.Records.Load() != 12*each {
		t.Errorf("checked %s", counts)
	}
}

package fsck

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// command folds a wallet command. The command's id is derived from n.
func (f *fixture) command(n int, c topics.WalletCommand) {
	f.t.Helper()
	c.CommandID, c.Tenant = commandID(n), "acme"
	f.feed(home(c.CustomerID), c.CustomerID, topics.TypeAssessedWallet, &topics.AssessedWalletCommand{Command: c})
}

// feed folds a record of the inbox as the engine does, by the program itself.
func (f *fixture) feed(partition int32, key, kind string, record any) {
	f.t.Helper()
	position := f.next[partition]
	f.next[partition]++
	f.at = f.at.Add(time.Second)
	value, err := topics.Marshal(record)
	f.must(err)
	in := &kgo.Record{Topic: topics.Inbox, Partition: partition, Key: []byte(key), Value: value}
	f.produce(in)

	program, err := payments.New(payments.Config{Pool: f.db.Pool, Partitions: partitions, Limits: lifecycle.DefaultLimits()})
	f.must(err)
	state, err := program.Open(f.t.Context(), partition, position)
	f.must(err)
	defer state.Close()
	folded := stream.Record{Partition: partition, Position: position, Time: f.at, Key: in.Key, Value: value,
		Headers: []topics.Header{{Key: topics.HeaderType, Value: []byte(kind)}}}
	f.must(state.Load(f.t.Context(), []stream.Record{folded}))
	outputs, dead := state.Apply(folded)
	if dead != nil {
		f.t.Fatalf("dead letter %+v", dead)
	}
	frame, err := f.frames.Encode(f.at, outputs)
	f.must(err)
	_, outputs, err = f.frames.Decode(partition, position, frame)
	f.must(err)
	for i := range outputs {
		f.pending[partition] = append(f.pending[partition], stream.PublishedRecord(partition, &outputs[i]))
	}
	var batch pgx.Batch
	batch.Queue(`INSERT INTO stream_positions (role, partition, next, base, topic_id, last_hash, format) VALUES ($1, $2, $3, 0, $4, $5, 1)
ON CONFLICT (role, partition) DO UPDATE SET next = excluded.next, last_hash = excluded.last_hash`, role, partition, position+1, f.inbox[:],
		stream.InputHash(f.stored(in)))
	batch.Queue(`INSERT INTO stream_log (partition, role, position, frame) VALUES ($1, $2, $3, $4)`, partition, role, position, frame)
	state.Write(&batch)
	f.must(f.db.InTx(f.t.Context(), func(tx pgx.Tx) error { return tx.SendBatch(f.t.Context(), &batch).Close() }))
}

func commandID(n int) string { return fmt.Sprintf("0190a3c4-0000-7000-8000-%012x", n) }

// play gives a customer of partition 0 a bonus, bets, a rolled back round, an open hold, a finished one, and closes the
// wallet of another.
func (f *fixture) play() {
	f.t.Helper()
	anna, bob := customers(f.t)[0][0], customers(f.t)[0][1]
	do := func(n int, kind topics.WalletCommandType, customer string, amount int64, change func(*topics.WalletCommand)) {
		f.t.Helper()
		c := topics.WalletCommand{Type: kind, CustomerID: customer, Amount: amount, Reason: topics.ReasonBonus}
		if amount > 0 {
			c.Currency = "EUR"
		}
		if change != nil {
			change(&c)
		}
		f.command(n, c)
	}
	round := func(id string) func(*topics.WalletCommand) {
		return func(c *topics.WalletCommand) { c.Reason, c.RoundID = topics.ReasonGame, id }
	}
	hold := func(n int) func(*topics.WalletCommand) {
		return func(c *topics.WalletCommand) { c.HoldID = commandID(n) }
	}
	do(1, topics.WalletCredit, anna, 1000, nil)
	do(2, topics.WalletDebit, anna, 200, round("r1"))
	do(3, topics.WalletCredit, anna, 50, round("r1"))
	do(4, topics.WalletDebit, anna, 100, round("r2"))
	do(5, topics.WalletRollbackRound, anna, 0, round("r2"))
	do(6, topics.WalletHold, anna, 300, func(c *topics.WalletCommand) { c.ExpiresAt = f.at.Add(time.Hour) })
	do(7, topics.WalletCaptureHold, anna, 120, hold(6))
	do(8, topics.WalletHold, anna, 80, nil)
	do(9, topics.WalletReleaseHold, anna, 0, hold(8))
	do(10, topics.WalletCredit, bob, 70, nil)
	do(11, topics.WalletDebit, bob, 70, nil)
	do(12, topics.WalletClose, bob, 0, nil)
	do(13, topics.WalletCredit, bob, 5, nil) // refused
	f.publishAll()
}

func TestWalletsHold(t *testing.T) {
	f := newFixture(t)
	f.play()
	f.wantNone()
	_, _, counts := f.check()
	want := "2 partitions, 13 records, 13 events, 11 entries, 5 accounts, 0 payments, 2 wallets, 2 holds, 0 payouts, 2 rounds, 1 timers, 24 published records, 0 statement lines"
	if got := counts.String(); got != want {
		t.Errorf("checked %s, want %s", got, want)
	}
}

func TestCorruptionOfWalletsIsFound(t *testing.T) {
	f := newFixture(t)
	f.play()
	f.save()
	const open, bob = `(SELECT id FROM holds WHERE expires_at IS NOT NULL)`, `closed IS NOT NULL`
	for _, c := range []corruption{
		{"a hold is larger", sql(`UPDATE holds SET amount = amount + 1 WHERE id = ` + open),
			[]string{"hold: partition 0: hold " + commandID(6), "Amount:301", "the fold of its events gives"}},
		{"more was captured", sql(`UPDATE holds SET captured = captured + 1 WHERE id = ` + open),
			[]string{"hold: partition 0: holds of acme", "179 EUR is left of them and set aside for payouts, their account holds 180"}},
		{"a hold is gone", sql(`DELETE FROM holds WHERE id = ` + open),
			[]string{"hold: partition 0: hold " + commandID(6), "the record at position 5 changed it, but there is no such row"}},
		{"a hold changes hands", sql(`UPDATE holds SET customer = 'eve' WHERE id = ` + open),
			[]string{"hold: partition 0: hold " + commandID(6), "it stands under the key"}},
		{"a capture is forgotten", sql(`UPDATE holds SET captured = 0, positions = ARRAY[positions[1]], version = positions[1] WHERE id = ` + open),
			[]string{"the record at position 6 changed it, but its positions do not name it"}},
		{"a hold expires later", sql(`UPDATE holds SET expires_at = expires_at + interval '1 hour' WHERE id = ` + open),
			[]string{"hold: partition 0: hold " + commandID(6), "ExpiresAt"}},
		{"its timer is gone", sql(`DELETE FROM timers`), []string{"timer: partition 0: hold " + commandID(6), "there is no timer for it"}},
		{"its timer is late", sql(`UPDATE timers SET due = due + interval '1 hour'`), []string{"timer: partition 0: hold " + commandID(6), "180 is left of the hold"}},
		{"a timer of no hold", sql(`UPDATE timers SET payment = '00000000-0000-0000-0000-000000000001'`),
			[]string{"timer: partition 0: hold 00000000000000000000000000000001", "there is no such hold"}},
		{"a round's net", sql(`UPDATE rounds SET net = net - 1 WHERE round = 'r1'`), []string{"round: partition 0: round r1 of acme", "Net:149", "Net:150"}},
		{"two rounds change by as much", sql(`UPDATE rounds SET net = net + CASE round WHEN 'r1' THEN 1 ELSE -1 END`), []string{"round r1 of acme", "Net:151", "Net:150"}},
		{"a round of another currency", sql(`UPDATE rounds SET currency = 'USD' WHERE round = 'r1'`), []string{"round r1 of acme", "Currency:USD", "Currency:EUR"}},
		{"a bet is forgotten", sql(`UPDATE rounds SET net = net - 200, positions = positions[2:2] WHERE round = 'r1'`),
			[]string{"round r1 of acme", "the record at position 1 changed it, but its positions do not name it"}},
		{"a round is of another version", sql(`UPDATE rounds SET version = version + 1 WHERE round = 'r1'`), []string{"round r1 of acme", "version 3, the last of its positions is 2"}},
		{"a round changes hands", sql(`UPDATE rounds SET customer = 'eve' WHERE round = 'r1'`), []string{"round r1 of acme eve", "it stands under the key"}},
		{"a rollback is undone", sql(`UPDATE rounds SET rolled_back = false WHERE round = 'r2'`), []string{"round r2 of acme", "RolledBack:false"}},
		{"a round is gone", sql(`DELETE FROM rounds WHERE round = 'r2'`), []string{"round r2 of acme", "there is no such row"}},
		{"a round of nobody", sql(`INSERT INTO rounds SELECT 0, '00000000-0000-0000-0000-000000000001', tenant, customer, 'r9', currency, net, false, 2, '{2}' FROM rounds WHERE round = 'r1'`),
			[]string{"round r9 of acme", "its positions name 2, but the record there did not change it"}},
		{"a wallet opens again", sql(`UPDATE wallets SET closed = NULL WHERE ` + bob), []string{"wallet: partition 0: wallet of acme", "closed by none, its events say by record 11"}},
		{"a wallet is closed", sql(`UPDATE wallets SET closed = version WHERE closed IS NULL`), []string{"wallet: partition 0: wallet of acme", "its events say by none"}},
		{"a currency more", sql(`UPDATE wallets SET currencies = 'EUR USD' WHERE ` + bob), []string{"wallet of acme", "open in EUR USD, its customer has accounts in EUR"}},
		{"a wallet is gone", sql(`DELETE FROM wallets WHERE ` + bob), []string{"wallet of acme", "open in none, its customer has accounts in EUR"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := f.on(t)
			c.spoil(f)
			problems, _, _ := f.check()
			if !slices.ContainsFunc(problems, func(p string) bool {
				return !slices.ContainsFunc(c.want, func(part string) bool { return !strings.Contains(p, part) })
			}) {
				t.Errorf("want one problem with %q, got\n%s", c.want, strings.Join(problems, "\n"))
			}
		})
	}
}

package fsck

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/ledger/statement"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// projectAndPublish makes the statements of all that is booked and writes the balances, as the role statements does. change
// may spoil a record.
func (f *fixture) projectAndPublish(change func(*topics.LedgerBalance)) {
	f.t.Helper()
	p := statement.NewProjector(f.db, 0)
	for {
		round, err := p.Round(f.t.Context())
		f.must(err)
		last, err := p.Unpublished(f.t.Context())
		f.must(err)
		for i := range last {
			f.produce(balanceOf(f, &last[i], change))
		}
		p.Published()
		if !round.Behind && len(last) == 0 {
			return
		}
	}
}

func balanceOf(f *fixture, l *statement.Last, change func(*topics.LedgerBalance)) *kgo.Record {
	f.t.Helper()
	id := l.Account.ID().String()
	v := topics.LedgerBalance{AccountID: id, Tenant: l.Account.Tenant, Code: string(l.Account.Code), Owner: l.Account.Owner,
		Currency: string(l.Account.Currency), Partition: l.Partition, Balance: l.Minor,
		EntryID: topics.EventID(l.Entry()).String(), BookedAt: l.Booked}
	if change != nil {
		change(&v)
	}
	value, err := topics.Marshal(&v)
	f.must(err)
	return &kgo.Record{Topic: topics.LedgerBalances, Partition: l.Partition, Key: fmt.Appendf(nil, "%s-%d", id, l.Partition), Value: value}
}

func TestPublishedBalancesAreChecked(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	f.projectAndPublish(nil)
	f.wantNone()
	f.play() // booked, and not projected
	f.wantNone()
	f.project() // projected, and not published
	f.wantNone()
	f.projectAndPublish(nil)
	f.wantNone()

	anna := customers(t)[0][0]
	isWallet := func(v *topics.LedgerBalance) bool { return v.Code == "customer_wallet" && v.Owner == anna }
	for _, c := range []struct {
		name, want string
		change     func(*topics.LedgerBalance)
	}{
		{"the balance", "its statement has ", func(v *topics.LedgerBalance) { v.Balance++ }},
		{"whose it is", "do not belong together", func(v *topics.LedgerBalance) { v.Owner = "eve" }},
		{"an older entry", "the last of those that are published", func(v *topics.LedgerBalance) { v.EntryID = "0-0-0" }},
		{"another entry", "no line of its statement is of entry", func(v *topics.LedgerBalance) { v.EntryID = strings.TrimSuffix(v.EntryID, "0") + "7" }},
		{"the time", "no line of its statement is of entry", func(v *topics.LedgerBalance) { v.BookedAt = v.BookedAt.AddDate(0, 0, 1) }},
		{"an account of nobody", "there is no such account", func(v *topics.LedgerBalance) { v.Tenant = "nobody" }},
	} {
		f := newFixture(t)
		f.play()
		f.projectAndPublish(func(v *topics.LedgerBalance) {
			if !isWallet(v) {
				return
			}
			c.change(v)
		})
		if c.name == "an account of nobody" { // with the id and the key that belong to it
			f.strange(anna)
		}
		problems, _, _ := f.check()
		if !strings.Contains(strings.Join(problems, "\n"), c.want) {
			t.Errorf("%s: want %q, got %q", c.name, c.want, problems)
		}
	}
	f = newFixture(t)
	f.play()
	f.project()
	f.exec(`UPDATE statement_positions SET published = next`)
	if problems, _, _ := f.check(); !strings.Contains(strings.Join(problems, "\n"), "the topic ends with entry none, want ") {
		t.Errorf("balances that were not published: %q", problems)
	}
}

// strange publishes the balance of an account that does not exist.
func (f *fixture) strange(owner string) {
	f.t.Helper()
	l := statement.Last{Minor: 5}
	l.Account.Tenant, l.Account.Code, l.Account.Owner, l.Account.Currency = "nobody", "customer_wallet", owner, "EUR"
	f.produce(balanceOf(f, &l, nil))
}

// The log is what is published: an event whose balance is not that of the entries is found whoever wrote both.
func TestBalancesOfWalletEventsAreChecked(t *testing.T) {
	f := newFixture(t)
	f.play()
	f.wantNone()
	for position, change := range map[int64]func(*topics.WalletEvent){
		0:  func(e *topics.WalletEvent) { e.Balance.Available++ },
		5:  func(e *topics.WalletEvent) { e.Balance.Held-- },
		6:  func(e *topics.WalletEvent) { e.Balance.Debt++ },
		7:  func(e *topics.WalletEvent) { e.Balance = nil },
		11: func(e *topics.WalletEvent) { e.Balance = new(topics.WalletBalance) },
	} {
		f.relog(position, change)
		problems, _, _ := f.check()
		if want := fmt.Sprintf("event 0-%d-0: it tells the balance ", position); !strings.Contains(strings.Join(problems, "\n"), want) {
			t.Errorf("want %q, got %q", want, problems)
		}
	}
}

// relog changes the wallet event of a record of partition 0 in the log.
func (f *fixture) relog(position int64, change func(*topics.WalletEvent)) {
	f.t.Helper()
	var frame []byte
	f.must(f.db.Pool.QueryRow(f.t.Context(), `SELECT frame FROM stream_log WHERE partition = 0 AND position = $1`, position).Scan(&frame))
	at, outputs, err := f.frames.Decode(0, position, frame)
	f.must(err)
	all := make([]stream.Output, len(outputs))
	for i := range outputs {
		all[i] = outputs[i]
		if all[i].Topic != topics.WalletEvents {
			continue
		}
		var e topics.WalletEvent
		f.must(topics.Unmarshal(all[i].Value, &e))
		change(&e)
		all[i].Value, err = topics.Marshal(&e)
		f.must(err)
	}
	frame, err = f.frames.Encode(at, all)
	f.must(err)
	f.exec(`UPDATE stream_log SET frame = $2 WHERE partition = 0 AND position = $1`, position, frame)
}

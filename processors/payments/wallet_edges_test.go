package payments_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

func TestARepeatedWalletCommandYieldsNothing(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	credit := walletCommand(1, topics.WalletCredit, 100, nil)
	in.put(topics.TypeAssessedWallet, credit)
	in.put(topics.TypeAssessedWallet, credit)
	in.fold(10)
	in.restart()
	in.put(topics.TypeAssessedWallet, credit)
	// What is refused is remembered, too.
	in.put(topics.TypeAssessedWallet, walletCommand(3, topics.WalletDebit, 500, nil))
	in.put(topics.TypeAssessedWallet, walletCommand(4, topics.WalletCredit, 500, nil))
	in.put(topics.TypeAssessedWallet, walletCommand(3, topics.WalletDebit, 500, nil))
	in.fold(10)
	events := walletEvents(t, in)
	if len(events) != 3 || events[1].Refusal != topics.RefusedInsufficientFunds || balance(t, db, "customer_wallet") != -600 {
		t.Errorf("%d events %+v, balance %d", len(events), events, balance(t, db, "customer_wallet"))
	}
	wantSound(t, in)
}

// The case of a command id's letters means nothing.
func TestTheCaseOfAHoldsID(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	in.put(topics.TypeAssessedWallet, walletCommand(1, topics.WalletCredit, 100, nil))
	hold := walletCommand(0xabc, topics.WalletHold, 60, nil)
	lower := hold.Command.CommandID
	hold.Command.CommandID = strings.ToUpper(lower)
	in.put(topics.TypeAssessedWallet, hold)
	in.put(topics.TypeAssessedWallet, walletCommand(0xabc, topics.WalletHold, 60, nil)) // the same
	in.fold(10)
	in.restart()
	in.put(topics.TypeAssessedWallet, walletCommand(2, topics.WalletCaptureHold, 0, func(c *topics.WalletCommand) { c.HoldID = lower }))
	in.fold(10)
	events := walletEvents(t, in)
	if len(events) != 3 || events[1].CommandID != strings.ToUpper(lower) || events[1].Hold.HoldID != lower || events[2].Type != topics.WalletHoldCaptured {
		t.Errorf("events %+v", events)
	}
	wantSound(t, in)
}

// The migration opens the wallets of those whom payments have credited, under the keys that the fold looks for.
func TestTheMigrationOpensWallets(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	captured(t, in, 1, "anna")
	captured(t, in, 2, "bob")
	if _, err := db.Pool.Exec(t.Context(), `DELETE FROM wallets`); err != nil {
		t.Fatal(err)
	}
	migration, err := os.ReadFile("../../internal/database/migrations/0005_wallets.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, statement, _ := strings.Cut(string(migration), "INSERT INTO wallets")
	statement, _, _ = strings.Cut(statement, ";")
	if _, err := db.Pool.Exec(t.Context(), "INSERT INTO wallets"+statement); err != nil {
		t.Fatal(err)
	}
	in.restart()
	in.put(topics.TypeAssessedWallet, walletCommand(3, topics.WalletDebit, 40, nil))
	in.put(topics.TypeAssessedWallet, walletCommand(4, topics.WalletCredit, 40, func(c *topics.WalletCommand) { c.Currency = "JPY" }))
	in.fold(10)
	if e := walletEvents(t, in); e[0].Type != topics.WalletDebited || e[1].Type != topics.WalletCredited {
		t.Errorf("events %+v", e)
	}
	wantSound(t, in)
}

func TestWalletRecordsThatAreNone(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	in.putBytes(topics.TypeAssessedWallet, []byte(`nonsense`))
	in.putBytes(topics.TypeAssessedWallet, []byte(`{"command":{"command_id":"no uuid","tenant":"acme","customer_id":"anna"}}`))
	in.put(topics.TypeTimerDue, topics.TimerDue{Kind: topics.TimerHoldExpire, HoldKey: "none", Tenant: "acme", CustomerID: "anna"})
	in.fold(10)
	if len(in.letters) != 3 {
		t.Fatalf("%d dead letters, want 3: %+v", len(in.letters), in.letters)
	}
	for i, e := range walletEvents(t, in) {
		if e.Type != topics.WalletDeadLettered || e.Refusal != topics.RefusedUndecodable || e.Detail == "" || e.CustomerID != "anna" {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	for _, name := range []string{"wallets", "holds", "rounds", "applied_inputs", "timers", "entries", "accounts"} {
		if n := count(t, db, name); n != 0 {
			t.Errorf("%d rows in %s", n, name)
		}
	}
}

func TestAWalletCommandIsRefusedAsItStands(t *testing.T) {
	db := databasetest.New(t)
	const partitions = 4
	home := topics.PartitionOf("acme", "anna", partitions)
	in := newInbox(t, db, newProgram(t, db, partitions, nil), home)
	refused := func(customer string) *topics.AssessedWalletCommand {
		return &topics.AssessedWalletCommand{Command: topics.WalletCommand{CommandID: id(1).String(), Tenant: "acme", CustomerID: customer, RoundID: "r"},
			Refusal: &topics.Refusal{Code: topics.RefusedCardNumber, Detail: "why"}}
	}
	in.put(topics.TypeAssessedWallet, refused("anna"))
	in.put(topics.TypeAssessedWallet, refused("anna"))
	nobody := refused("")
	nobody.Command.CommandID = id(2).String()
	in.put(topics.TypeAssessedWallet, nobody)
	in.fold(10)
	events := walletEvents(t, in)
	if len(events) != 2 {
		t.Fatalf("%d events: %+v", len(events), events)
	}
	for _, e := range events {
		if e.Type != topics.WalletCommandRefused || e.Refusal != topics.RefusedCardNumber || e.Detail != "why" {
			t.Errorf("event %+v", e)
		}
	}
	elsewhere := newInbox(t, db, newProgram(t, db, partitions, nil), (home+1)%partitions)
	elsewhere.put(topics.TypeAssessedWallet, walletCommand(3, topics.WalletCredit, 5, nil))
	elsewhere.fold(1)
	if e := walletEvents(t, elsewhere)[0]; e.Refusal != topics.RefusedInvalid || !strings.Contains(e.Detail, "partition") || count(t, db, "wallets") != 0 {
		t.Errorf("event %+v", e)
	}
}

// Commands stop at MaxBalance, so that there is room for facts, and nothing that gives back what is held can fail.
func TestAWalletNextToTheEndOfItsRange(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	captured(t, in, 101, "bob") // who is not rich
	in.put(topics.TypeAssessedCommand, create(102, "anna", topics.CaptureAutomatic))
	in.put(topics.TypeAssessedWallet, walletCommand(1, topics.WalletCredit, 1, nil))
	in.fold(1)
	for _, code := range []string{"customer_wallet", "bonus_expense"} {
		sign := map[string]int64{"customer_wallet": -1, "bonus_expense": 1}[code]
		if _, err := db.Pool.Exec(t.Context(), `UPDATE accounts SET balance = $1 WHERE code = $2 AND owner <> 'bob'`, sign*(topics.MaxBalance-100), code); err != nil {
			t.Fatal(err)
		}
	}
	in.restart()
	in.put(topics.TypeAssessedWallet, walletCommand(2, topics.WalletHold, 1000, nil))
	in.put(topics.TypeAssessedWallet, walletCommand(3, topics.WalletCredit, 101, nil))
	in.put(topics.TypeAssessedWallet, walletCommand(4, topics.WalletCredit, 100, nil))
	in.put(topics.TypeAssessedWallet, walletCommand(5, topics.WalletReleaseHold, 0, func(c *topics.WalletCommand) { c.HoldID = id(2).String() }))
	in.fold(10)
	events := walletEvents(t, in)
	if events[2].Refusal != topics.RefusedLimitExceeded || events[3].Refusal != "" || *events[4].Balance != (topics.WalletBalance{Available: topics.MaxBalance}) {
		t.Errorf("events %+v", events[1:])
	}
	in.put(topics.TypeAssessedWallet, walletCommand(6, topics.WalletHold, 1000, nil))
	in.put(topics.TypeAssessedCommand, create(103, "anna", topics.CaptureAutomatic))
	in.fold(10)
	if e := lastEvent(t, in); e.Type != topics.EventCommandRefused || e.Refusal != topics.RefusedLimitExceeded || e.CustomerID != "anna" {
		t.Errorf("a payment of a customer who has as much as there can be: %+v", e)
	}
	requests := outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)
	in.put(topics.TypePSPReport, approved(&requests[len(requests)-1], true))
	in.put(topics.TypeAssessedWallet, walletCommand(7, topics.WalletReleaseHold, 0, func(c *topics.WalletCommand) { c.HoldID = id(6).String() }))
	in.fold(10)
	events = walletEvents(t, in)
	if e := events[len(events)-1]; e.Type != topics.WalletHoldReleased || e.Balance.Available != topics.MaxBalance+10_000 || len(in.letters) != 0 {
		t.Errorf("the release after a capture: %+v, dead letters %+v", e, in.letters)
	}
}

// An increment is bound by what the customer has, as the payment was: read also where nobody has asked for the customer before.
func TestAnIncrementNextToTheEndOfAWalletsRange(t *testing.T) {
	db := databasetest.New(t)
	in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
	c := create(101, "anna", topics.CaptureManual)
	in.put(topics.TypeAssessedCommand, c)
	in.put(topics.TypeAssessedWallet, walletCommand(1, topics.WalletCredit, 1, nil))
	in.fold(10)
	in.put(topics.TypePSPReport, approved(&outputsOf[topics.PSPRequest](t, in.published, topics.PSPRequests)[0], false))
	in.fold(10)
	if _, err := db.Pool.Exec(t.Context(), `UPDATE accounts SET balance = $1 WHERE code = 'customer_wallet'`, -(topics.MaxBalance - c.Command.Amount - 5)); err != nil {
		t.Fatal(err)
	}
	in.restart()
	in.put(topics.TypeAssessedCommand, raise(2, "anna", 101, 6))
	in.fold(10)
	if e := lastEvent(t, in); e.Type != topics.EventCommandRefused || e.Refusal != topics.RefusedLimitExceeded {
		t.Errorf("one more than there is room for: %s %s %s", e.Type, e.Refusal, e.Detail)
	}
	in.put(topics.TypeAssessedCommand, raise(3, "anna", 101, 5))
	in.fold(10)
	if e := lastEvent(t, in); e.Type == topics.EventCommandRefused {
		t.Errorf("as much as there is room for: %s %s", e.Refusal, e.Detail)
	}
}

// A row of another version than memory has fails the batch as a whole: no record is blamed.
func TestAStaleWalletIsNotWritten(t *testing.T) {
	for _, name := range []string{"wallets", "holds", "rounds"} {
		db := databasetest.New(t)
		in := newInbox(t, db, newProgram(t, db, 1, nil), 0)
		in.put(topics.TypeAssessedWallet, walletCommand(1, topics.WalletCredit, 100, nil))
		in.put(topics.TypeAssessedWallet, walletCommand(2, topics.WalletHold, 10, nil))
		in.put(topics.TypeAssessedWallet, walletCommand(3, topics.WalletDebit, 10, func(c *topics.WalletCommand) { c.Reason, c.RoundID = topics.ReasonGame, "r" }))
		in.fold(10)
		if _, err := db.Pool.Exec(t.Context(), `UPDATE `+name+` SET version = version + 7`); err != nil {
			t.Fatal(err)
		}
		in.put(topics.TypeAssessedWallet, walletCommand(4, topics.WalletCredit, 5, func(c *topics.WalletCommand) { c.Currency = "JPY" }))
		in.put(topics.TypeAssessedWallet, walletCommand(5, topics.WalletReleaseHold, 0, func(c *topics.WalletCommand) { c.HoldID = id(2).String() }))
		in.put(topics.TypeAssessedWallet, walletCommand(6, topics.WalletRollbackRound, 0, func(c *topics.WalletCommand) { c.RoundID = "r" }))
		if err := in.state.Load(t.Context(), in.pending); err != nil {
			t.Fatal(err)
		}
		for _, r := range in.pending {
			in.state.Apply(r)
		}
		if err := in.write(t.Context()); err == nil || !strings.Contains(err.Error(), "21000") {
			t.Errorf("%s: %v, want SQLSTATE 21000", name, err)
		}
	}
}

// What is restored and checked is all that the catalogue says the fold alone writes, but for how far it is.
func TestPublishedIsComplete(t *testing.T) {
	var want []string
	for _, topic := range topics.Catalogue() {
		if slices.Equal(topic.Writers, []string{payments.Role}) && topic.Name != topics.Positions {
			want = append(want, topic.Name)
		}
	}
	got := payments.Published()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("published %v, the catalogue says %v", got, want)
	}
}

// BenchmarkWallets is bets and wins of many customers through the fold, with the database.
func BenchmarkWallets(b *testing.B) {
	db := databasetest.New(b)
	in := newInbox(b, db, newProgram(b, db, 1, nil), 0)
	frames, err := stream.NewFrames("payments")
	if err != nil {
		b.Fatal(err)
	}
	const customers, batch = 1000, 500
	n, bytes := 0, 0
	put := func(kind topics.WalletCommandType, amount int64, change func(*topics.WalletCommand)) {
		n++
		in.put(topics.TypeAssessedWallet, walletCommand(n, kind, amount, change))
	}
	for i := range customers {
		put(topics.WalletCredit, 1_000_000, func(c *topics.WalletCommand) { c.CustomerID = id(i).String() })
	}
	in.fold(batch)
	records := 0
	for b.Loop() {
		b.StopTimer()
		for i := range batch {
			kind := []topics.WalletCommandType{topics.WalletDebit, topics.WalletCredit}[i%2]
			put(kind, 100, func(c *topics.WalletCommand) {
				c.CustomerID, c.Reason, c.RoundID = id((n/2)%customers).String(), topics.ReasonGame, id(n/2).String()
			})
		}
		records += batch
		b.StartTimer()
		in.fold(batch)
		b.StopTimer()
		for _, r := range in.folded[len(in.folded)-batch:] {
			frame, err := frames.Encode(r.Time, in.outputs[r.Position])
			if err != nil {
				b.Fatal(err)
			}
			bytes += len(frame)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/command")
	b.ReportMetric(float64(bytes)/float64(records), "frame-B/command")
}

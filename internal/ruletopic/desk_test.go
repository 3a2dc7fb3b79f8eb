package ruletopic_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/ruletopic"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// ruleDir writes a rule set with a list, told apart by its score.
func ruleDir(t *testing.T, score int, list string) string {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`version: 1
lists:
  denied: { file: denied.csv }
rates: { file: rates.csv }
rules:
  - name: denied_device
    when: context.device_id in list("denied")
    outcome: block
    score: %d
    on_missing: hold
    tests:
      - { given: { context.device_id: dev_1 }, expect: hit }
`, score)
	for name, text := range map[string]string{"rules.yaml": text, "denied.csv": list, "rates.csv": "date,from,to,rate\n2026-11-20,EUR,USD,1.0842\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func pack(t *testing.T, score int) *ruletopic.Package {
	t.Helper()
	p, err := ruletopic.Pack(ruleDir(t, score, "value\ndev_1\n"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type world struct {
	*testing.T
	broker *brokertest.Broker
	clock  time.Time
}

func newWorld(t *testing.T) *world {
	return &world{t, brokertest.New(t, 4), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (w *world) options() []kgo.Opt { return w.broker.Config.Options(slog.New(slog.DiscardHandler)) }

func (w *world) now() time.Time {
	w.clock = w.clock.Add(time.Minute)
	return w.clock
}

// desk calls f with a desk that was just opened.
func (w *world) desk(fourEyes bool, f func(context.Context, *ruletopic.Desk) error) error {
	w.Helper()
	desk, err := ruletopic.Open(w.Context(), w.options(), fourEyes)
	if err != nil {
		w.Fatal(err)
	}
	defer desk.Close()
	return f(w.Context(), desk)
}

func (w *world) deploy(fourEyes bool, p *ruletopic.Package, author string) {
	w.Helper()
	if err := w.desk(fourEyes, func(ctx context.Context, d *ruletopic.Desk) error {
		_, err := d.Deploy(ctx, p, topics.RulesLive, author, "a test", true, w.now())
		return err
	}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) book() *ruletopic.Book {
	w.Helper()
	reader, err := ruletopic.NewReader(w.options(), false)
	if err != nil {
		w.Fatal(err)
	}
	defer reader.Close()
	book, _, err := reader.Read(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return book
}

func TestPackHoldsAllThatDecides(t *testing.T) {
	p := pack(t, 7)
	again, err := ruletopic.Unpack(p.Archive)
	if err != nil || again.Hash() != p.Set.Hash() || len(again.Lists()) != 1 || again.Files()[0] != "rules.yaml" {
		t.Errorf("%v, %+v", err, again)
	}
	if minor, ok := again.Convert(ledger.Money{Minor: 100, Currency: "EUR"}, "USD", time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)); !ok || minor != 108 {
		t.Errorf("1.00 EUR is %d in USD (%v), want 108", minor, ok)
	}
	onDisk, err := rules.Load(ruleDir(t, 7, "value\ndev_1\n"))
	if err != nil || onDisk.Hash() != p.Set.Hash() {
		t.Errorf("on disk the set has another hash (%v)", err)
	}
}

func TestPackRefuses(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var long strings.Builder
	long.WriteString("value\ndev_1\n")
	for range 60_000 {
		fmt.Fprintf(&long, "dev_%016x%016x\n", random.Uint64(), random.Uint64())
	}
	for name, c := range map[string]struct{ list, says string }{
		"a failing test": {"value\ndev_2\n", "the result is miss, not hit"},
		"a mistake":      {"valu\ndev_1\n", "no column value"},
		"too large":      {long.String(), "at most 720000 fit into a record"},
		"no text":        {"value\ndev_1\xff\n", "not text in UTF-8"},
	} {
		if _, err := ruletopic.Pack(ruleDir(t, 1, c.list)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestDeployRollBackAndHistory(t *testing.T) {
	w := newWorld(t)
	first, second := pack(t, 1), pack(t, 2)
	w.deploy(false, first, "ann")
	w.deploy(false, second, "bob")
	book := w.book()
	if book.Live.RuleSet != second.Set.Hash() || book.Live.Author != "bob" || len(book.History) != 2 || book.Before().RuleSet != first.Set.Hash() {
		t.Errorf("live %+v, history %+v", book.Live, book.History)
	}
	var back *topics.RuleDeployment
	if err := w.desk(false, func(ctx context.Context, d *ruletopic.Desk) (err error) {
		back, err = d.Rollback(ctx, "", "cat", "", w.now())
		return err
	}); err != nil || back.RuleSet != first.Set.Hash() || back.RolledBackBy != "cat" || back.Author != "ann" {
		t.Fatalf("%+v, %v", back, err)
	}
	// From the first one goes back to the second, which was live before it; and to any by its hash.
	if book = w.book(); book.Live.RuleSet != first.Set.Hash() || book.Before().RuleSet != second.Set.Hash() || len(book.History) != 3 {
		t.Errorf("live %+v, history %+v", book.Live, book.History)
	}
	if err := w.desk(false, func(ctx context.Context, d *ruletopic.Desk) error {
		_, err := d.Rollback(ctx, second.Set.Hash()[:8], "cat", "", w.now())
		return err
	}); err != nil || w.book().Live.RuleSet != second.Set.Hash() {
		t.Errorf("by its hash: %v", err)
	}
	for to, says := range map[string]string{"abcdef": "was never live", second.Set.Hash(): "is live already"} {
		err := w.desk(false, func(ctx context.Context, d *ruletopic.Desk) error {
			_, err := d.Rollback(ctx, to, "cat", "", w.now())
			return err
		})
		var refused *ruletopic.Refused
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), says) {
			t.Errorf("to %s: %v, want %q", to, err, says)
		}
	}
}

// TestApprovalIsOfWhatWasSeen: who approves a hash means that set, whatever else a record holds under it.
func TestApprovalIsOfWhatWasSeen(t *testing.T) {
	w := newWorld(t)
	seen := pack(t, 1)
	value, err := topics.Marshal(&topics.RuleDeployment{Slot: topics.RulesLive, RuleSet: seen.Set.Hash(), Rules: 1, At: w.now(),
		Author: "eve", Comment: "a test", Archive: pack(t, 2).Archive})
	if err != nil {
		t.Fatal(err)
	}
	client := w.broker.Client(t)
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topics.Rules, Key: []byte(topics.RulesProposed), Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	err = w.desk(true, func(ctx context.Context, d *ruletopic.Desk) error {
		_, err := d.Approve(ctx, seen.Set.Hash(), "bob", "looked at it", w.now())
		return err
	})
	var refused *ruletopic.Refused
	if !errors.As(err, &refused) || w.book().Live != nil {
		t.Errorf("%v, live %+v", err, w.book().Live)
	}
}

func TestFourEyes(t *testing.T) {
	w := newWorld(t)
	p := pack(t, 1)
	w.deploy(true, p, "ann")
	book := w.book()
	if book.Live != nil || book.Proposed == nil || book.Proposed.RuleSet != p.Set.Hash() {
		t.Fatalf("live %+v, proposed %+v", book.Live, book.Proposed)
	}
	for name, c := range map[string]struct{ hash, approver, says string }{
		"oneself":     {p.Set.Hash(), "Ann ", "another person must approve"},
		"nobody":      {p.Set.Hash(), "", "who approves"},
		"another set": {"0123", "bob", "not 0123"},
		"no set":      {"", "bob", "the rule set that waits"},
	} {
		err := w.desk(true, func(ctx context.Context, d *ruletopic.Desk) error {
			_, err := d.Approve(ctx, c.hash, c.approver, "", w.now())
			return err
		})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	approve := func(ctx context.Context, d *ruletopic.Desk) error {
		_, err := d.Approve(ctx, p.Set.Hash()[:6], "bob", "looked at it", w.now())
		return err
	}
	if err := w.desk(true, approve); err != nil {
		t.Fatal(err)
	}
	book = w.book()
	if book.Proposed != nil || book.Live.Approver != "bob" || ruletopic.Check(&book.Live.RuleDeployment, true) != nil {
		t.Errorf("live %+v, proposed %+v", book.Live, book.Proposed)
	}
	if err := w.desk(true, approve); err == nil || !strings.Contains(err.Error(), "waits for approval") {
		t.Errorf("approved twice: %v", err)
	}
}

// TestTwoDesks: of two who deploy at the same time, the one who came first is told, and nothing of it is seen.
func TestTwoDesks(t *testing.T) {
	w := newWorld(t)
	first, second := pack(t, 1), pack(t, 2)
	err := w.desk(false, func(ctx context.Context, d *ruletopic.Desk) error {
		w.deploy(false, second, "bob")
		_, err := d.Deploy(ctx, first, topics.RulesLive, "ann", "a test", false, w.now())
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "somebody else may deploy") {
		t.Errorf("error %v", err)
	}
	if book := w.book(); book.Live.RuleSet != second.Set.Hash() || len(book.History) != 1 {
		t.Errorf("live %+v, history %+v", book.Live, book.History)
	}
}

func TestDeployRefusesWhoSaysNothing(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ author, comment string }{{"", "why"}, {"ann", " "}, {"ann", strings.Repeat("x", 2000)}, {"ann", "4111 1111 1111 1111"}} {
		var refused *ruletopic.Refused
		if err := w.desk(false, func(ctx context.Context, d *ruletopic.Desk) error {
			_, err := d.Deploy(ctx, pack(t, 1), topics.RulesLive, c.author, c.comment, false, w.now())
			return err
		}); !errors.As(err, &refused) {
			t.Errorf("%q, %.20q: %v", c.author, c.comment, err)
		}
	}
	if book := w.book(); book.Live != nil || len(book.History) != 0 {
		t.Errorf("live %+v", book.Live)
	}
}

// TestASecondProposalDoesNotReplaceTheFirstUnsaid: whose proposal it is, and why, is told.
func TestASecondProposalDoesNotReplaceTheFirstUnsaid(t *testing.T) {
	w := newWorld(t)
	first, second := pack(t, 1), pack(t, 2)
	propose := func(p *ruletopic.Package, author string, replace bool) error {
		return w.desk(true, func(ctx context.Context, d *ruletopic.Desk) error {
			_, err := d.Deploy(ctx, p, topics.RulesLive, author, "why "+author, replace, w.now())
			return err
		})
	}
	if err := propose(first, "ann", false); err != nil {
		t.Fatal(err)
	}
	var refused *ruletopic.Refused
	if err := propose(second, "cat", false); !errors.As(err, &refused) || !strings.Contains(err.Error(), "of ann (why ann)") || !strings.Contains(err.Error(), "--replace") {
		t.Errorf("error %v", err)
	}
	if d, _ := w.book().Named(topics.RulesProposed); d == nil || d.RuleSet != first.Set.Hash() {
		t.Errorf("what waits is %+v", d)
	}
	if err := propose(second, "cat", true); err != nil {
		t.Fatal(err)
	}
	book := w.book()
	for word, want := range map[string]string{topics.RulesProposed: second.Set.Hash(), second.Set.Hash()[:8]: second.Set.Hash(), first.Set.Hash(): "", topics.RulesLive: "", "": ""} {
		d, ambiguous := book.Named(word)
		if ambiguous || (d == nil) != (want == "") || d != nil && d.RuleSet != want {
			t.Errorf("%q names %+v, want %q", word, d, want)
		}
	}
	d, _ := book.Named(topics.RulesProposed)
	files, err := ruletopic.Files(d.Archive)
	if err != nil || len(files) != 3 || files[0].Name != "rules.yaml" || files[1].Name != "denied.csv" {
		t.Errorf("files %+v, %v", files, err)
	}
}

package ruletopic_test

import (
	"context"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/ruletopic"
	"github.com/weirhq/weir/topics"
)

// bookOf is what a process with this configuration reads.
func (w *world) bookOf(fourEyes bool) *ruletopic.Book {
	w.Helper()
	reader, err := ruletopic.NewReader(w.options(), fourEyes)
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

// inForce is the hash that processes decide by, "" where there is none.
func inForce(book *ruletopic.Book) string {
	if d := book.InForce(); d != nil {
		return d.RuleSet
	}
	return ""
}

func (w *world) approve(fourEyes bool, p *ruletopic.Package, by string) {
	w.Helper()
	if err := w.desk(fourEyes, func(ctx context.Context, d *ruletopic.Desk) error {
		_, err := d.Approve(ctx, p.Set.Hash(), by, "", w.now())
		return err
	}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) rollback(fourEyes bool, to string) error {
	return w.desk(fourEyes, func(ctx context.Context, d *ruletopic.Desk) error {
		_, err := d.Rollback(ctx, to, "cat", "", w.now())
		return err
	})
}

// TestWhatTwoPeopleAgreedToBindsTheNext: whatever the configuration of who deploys says, so that a set that is called in force
// is the one that processes decide by.
func TestWhatTwoPeopleAgreedToBindsTheNext(t *testing.T) {
	w := newWorld(t)
	alone, agreed, forced := pack(t, 1), pack(t, 2), pack(t, 3)
	w.deploy(false, alone, "ann") // while one person was enough
	if got := inForce(w.bookOf(false)); got != alone.Set.Hash() {
		t.Errorf("in force is %s", got)
	}
	if book := w.bookOf(true); book.InForce() != nil || book.Refused() == nil {
		t.Errorf("where two are wanted, one person's set is in force: %+v", book.InForce())
	}
	w.deploy(true, agreed, "ann")
	w.approve(true, agreed, "bob")

	w.deploy(false, forced, "eve") // from where nobody asks for two people
	if book := w.book(); inForce(book) != agreed.Set.Hash() || book.Proposed == nil || book.Proposed.RuleSet != forced.Set.Hash() {
		t.Errorf("in force %s, proposed %+v", inForce(book), book.Proposed)
	}
	// Past every desk, straight into the topic.
	value, err := topics.Marshal(&topics.RuleDeployment{Slot: topics.RulesLive, RuleSet: forced.Set.Hash(), Rules: 1, At: w.now(), Author: "eve", Archive: forced.Archive})
	if err != nil {
		t.Fatal(err)
	}
	client := w.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topics.Rules, Key: []byte(topics.RulesLive), Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for _, configured := range []bool{false, true} {
		book := w.bookOf(configured)
		if live, _ := book.Named(topics.RulesLive); inForce(book) != agreed.Set.Hash() || live.RuleSet != agreed.Set.Hash() || len(live.Archive) == 0 || book.Refused() == nil || book.Refused().Author != "eve" {
			t.Errorf("configured %v: in force %s, refused %+v", configured, inForce(book), book.Refused())
		}
	}
	// Back from what never decided one comes to what does, and from there to nothing that would not.
	if err := w.rollback(true, ""); err != nil || w.book().Refused() != nil || inForce(w.book()) != agreed.Set.Hash() {
		t.Errorf("%v, in force %s", err, inForce(w.book()))
	}
	next := pack(t, 4)
	w.deploy(true, next, "ann")
	w.approve(true, next, "bob")
	if err := w.rollback(true, alone.Set.Hash()[:8]); err == nil || !strings.Contains(err.Error(), "--to "+agreed.Set.Hash()[:8]+" goes back to that of ann, approved by bob") {
		t.Errorf("to what one person deployed: %v", err)
	}
	if err := w.rollback(true, ""); err != nil || inForce(w.book()) != agreed.Set.Hash() {
		t.Errorf("%v, in force %s", err, inForce(w.book()))
	}
}

// TestTwoPeopleMayAgreeThatOneIsEnough: both from where the configuration does not ask for two; one of them alone may not.
func TestTwoPeopleMayAgreeThatOneIsEnough(t *testing.T) {
	w := newWorld(t)
	for i, c := range []struct{ author, approver, required bool }{{true, true, true}, {false, true, true}, {true, false, true}, {false, false, false}} {
		p := pack(t, 10+i)
		w.deploy(c.author, p, "ann")
		w.approve(c.approver, p, "bob")
		if got := w.book().FourEyes(); got != c.required {
			t.Errorf("author's configuration %v, approver's %v: required %v", c.author, c.approver, got)
		}
	}
	p := pack(t, 20)
	w.deploy(false, p, "ann")
	if book := w.book(); inForce(book) != p.Set.Hash() || book.Proposed != nil {
		t.Errorf("in force %s, proposed %+v", inForce(book), book.Proposed)
	}
}

// TestADroppedProposalStaysInTheHistory: one that was rejected, and one that another has replaced; neither was ever live.
func TestADroppedProposalStaysInTheHistory(t *testing.T) {
	w := newWorld(t)
	first, second := pack(t, 1), pack(t, 2)
	w.deploy(true, first, "ann")
	w.deploy(true, second, "cat")
	reject := func(hash, by, comment string) error {
		return w.desk(true, func(ctx context.Context, d *ruletopic.Desk) error {
			_, err := d.Reject(ctx, hash, by, comment, w.now())
			return err
		})
	}
	for _, c := range []struct{ hash, by, comment, says string }{
		{first.Set.Hash(), "bob", "too strict", "the rule set that waits is " + second.Set.Hash()},
		{second.Set.Hash(), "bob", "", "Name an author and a comment"},
		{second.Set.Hash()[:8], "bob", "too strict", ""},
		{second.Set.Hash(), "bob", "again", "no rule set waits"},
	} {
		if err := reject(c.hash, c.by, c.comment); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s by %s: %v, want %q", c.hash, c.by, err, c.says)
		}
	}
	book := w.book()
	if book.Proposed != nil || book.InForce() != nil || len(book.History) != 2 {
		t.Fatalf("proposed %+v, history %+v", book.Proposed, book.History)
	}
	for i, want := range []string{"a test; replaced by the proposal of cat", "a test; rejected by bob: too strict"} {
		if d := book.History[i]; d.Slot != topics.RulesDropped || d.Comment != want || d.RuleSet != []string{first.Set.Hash(), second.Set.Hash()}[i] {
			t.Errorf("%+v, want %q", d, want)
		}
	}
}

package ruletopic

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

const (
	// writeWithin bounds a deployment.
	writeWithin = 30 * time.Second
	// maxWords bounds an author and a comment, in bytes: with the archive they must fit into a record.
	maxWords = 1000
)

// Desk changes what is deployed. It is the only writer as long as it is open: opening a second one shuts the first out.
type Desk struct {
	client   *kgo.Client
	book     *Book // what was deployed when it was opened
	wanted   bool  // by the configuration: two people
	fourEyes bool  // needed: wanted, or by what was deployed before
}

// Refused says that a change is against the rules of deployment. Nothing was changed.
type Refused struct{ Why string }

func (r *Refused) Error() string { return r.Why }

func refuse(format string, args ...any) error { return &Refused{fmt.Sprintf(format, args...)} }

// Open shuts out whoever else deploys and reads what is deployed. Where it is not for fourEyes, it still needs two people as
// long as those who deployed before did: processes refuse what one of them alone deploys.
func Open(ctx context.Context, options []kgo.Opt, fourEyes bool) (d *Desk, err error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), options...),
		kgo.TransactionalID("weir-rules"), kgo.TransactionTimeout(writeWithin), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()))...) // archives are compressed
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	defer func() {
		if err != nil {
			client.Close()
		}
	}()
	// A producer id is taken before the topic is read: from then on nobody else adds to it.
	if _, _, err := client.ProducerID(ctx); err != nil {
		return nil, fmt.Errorf("open %s for writing: %w", topics.Rules, err)
	}
	reader, err := NewReader(options, fourEyes)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	book, _, err := reader.Read(ctx)
	if err != nil {
		return nil, err
	}
	return &Desk{client: client, book: book, wanted: fourEyes, fourEyes: book.FourEyes()}, nil
}

// Proposed is the set that waits for approval, nil where none does.
func (d *Desk) Proposed() *Deployment { return d.book.Proposed }

// InForce is the set that processes decide by, nil where none was deployed that they take.
func (d *Desk) InForce() *topics.RuleDeployment { return d.book.InForce() }

// Close ends the desk.
func (d *Desk) Close() { d.client.Close() }

// Deploy puts a set into force, or, where two people must agree, proposes it; the record says which by its approver.
// A candidate decides nothing and needs nobody's approval. A proposal that waits already is replaced where replace says so.
func (d *Desk) Deploy(ctx context.Context, p *Package, slot, author, comment string, replace bool, at time.Time) (proposed bool, err error) {
	if strings.TrimSpace(author) == "" || strings.TrimSpace(comment) == "" {
		return false, refuse("who deploys the rule set, and why? Name an author and a comment")
	}
	if err := fit(author, comment); err != nil {
		return false, err
	}
	next := topics.RuleDeployment{Slot: slot, RuleSet: p.Set.Hash(), Rules: len(p.Set.Rules()), At: at.UTC(),
		Author: author, Comment: comment, Archive: p.Archive}
	if slot == topics.RulesLive && d.fourEyes {
		next.OnePerson = !d.wanted
		if waits := d.book.Proposed; waits != nil && !replace {
			return false, refuse("the rule set %.8s of %s (%s) waits for approval already, since %s; look at it with weir rules diff live proposed, and put this one in its place with --replace",
				waits.RuleSet, waits.Author, waits.Comment, waits.At.UTC().Format(time.RFC3339))
		}
		changes := []change{{topics.RulesProposed, &next}}
		if waits := d.book.Proposed; waits != nil {
			changes = append(changes, dropped(waits, "replaced by the proposal of "+author, at))
		}
		return true, d.write(ctx, changes...)
	}
	return false, d.enforce(ctx, next)
}

// Approve puts the proposed set into force. hash is that of the set which the approver has seen.
func (d *Desk) Approve(ctx context.Context, hash, approver, comment string, at time.Time) (*topics.RuleDeployment, error) {
	proposed := d.book.Proposed
	switch {
	case proposed == nil:
		return nil, refuse("no rule set waits for approval")
	case strings.TrimSpace(approver) == "":
		return nil, refuse("who approves the rule set? Name an approver")
	case topics.SamePerson(proposed.Author, approver):
		return nil, refuse("%s is the author of the rule set; another person must approve it", proposed.Author)
	case hash == "" || !strings.HasPrefix(proposed.RuleSet, hash):
		return nil, refuse("the rule set that waits is %s of %s, not %s", proposed.RuleSet, proposed.Author, hash)
	}
	if err := fit(approver, comment); err != nil {
		return nil, err
	}
	if err := holds(&proposed.RuleDeployment); err != nil {
		return nil, err
	}
	next := proposed.RuleDeployment
	next.Approver, next.At, next.OnePerson = approver, at.UTC(), next.OnePerson && !d.wanted
	if comment != "" {
		next.Comment += "; " + comment
	}
	return &next, d.enforce(ctx, next, change{topics.RulesProposed, nil})
}

// Reject drops the proposed set; the history keeps that it waited. hash is that of the set which was looked at.
func (d *Desk) Reject(ctx context.Context, hash, by, comment string, at time.Time) (*topics.RuleDeployment, error) {
	proposed := d.book.Proposed
	switch {
	case proposed == nil:
		return nil, refuse("no rule set waits for approval")
	case strings.TrimSpace(by) == "" || strings.TrimSpace(comment) == "":
		return nil, refuse("who rejects the rule set, and why? Name an author and a comment")
	case hash == "" || !strings.HasPrefix(proposed.RuleSet, hash):
		return nil, refuse("the rule set that waits is %s of %s, not %s", proposed.RuleSet, proposed.Author, hash)
	}
	if err := fit(by, comment); err != nil {
		return nil, err
	}
	return &proposed.RuleDeployment, d.write(ctx, change{topics.RulesProposed, nil}, dropped(proposed, "rejected by "+by+": "+comment, at))
}

// dropped is what the history keeps of a proposal that never came into force.
func dropped(d *Deployment, why string, at time.Time) change {
	past := d.RuleDeployment
	past.Slot, past.At, past.Archive = topics.RulesDropped, at.UTC(), nil
	past.Comment += "; " + why
	return change{topics.RuleHistoryKey(past.At), &past}
}

// Rollback puts a set that was live before into force again: the one before the present, or the one of a hash.
func (d *Desk) Rollback(ctx context.Context, hash, by, comment string, at time.Time) (*topics.RuleDeployment, error) {
	if strings.TrimSpace(by) == "" {
		return nil, refuse("who rolls back? Name an author")
	}
	to := d.book.Before()
	if hash != "" {
		var ambiguous bool
		if to, ambiguous = d.book.Set(hash); ambiguous {
			return nil, refuse("several rule sets begin with %s; give more of the hash", hash)
		}
		for _, past := range d.book.Past() { // as it decided, whoever has deployed it again since
			if to != nil && past.RuleSet == to.RuleSet {
				to = past
				break
			}
		}
	}
	switch {
	case to == nil && hash != "":
		return nil, refuse("the rule set %s was never live; weir rules history lists those that were", hash)
	case to == nil:
		return nil, refuse("there is no rule set to go back to: no other than the present one has decided")
	case d.book.Live != nil && to.RuleSet == d.book.Live.RuleSet:
		return nil, refuse("the rule set %s is live already", to.RuleSet)
	case d.fourEyes && !approved(to):
		return nil, refuse("the rule set %s was deployed without a second person's approval, which is required now%s", to.RuleSet, d.instead())
	}
	if err := fit(by, comment); err != nil {
		return nil, err
	}
	if err := holds(to); err != nil {
		return nil, err
	}
	next := *to
	next.At, next.RolledBackBy, next.OnePerson = at.UTC(), by, !d.fourEyes
	if comment != "" {
		next.Comment = comment
	}
	return &next, d.enforce(ctx, next)
}

// instead names the set that a rollback reaches, where there is one.
func (d *Desk) instead() string {
	if to := d.book.Before(); to != nil {
		return fmt.Sprintf("; --to %.8s goes back to that of %s, approved by %s", to.RuleSet, to.Author, to.Approver)
	}
	return ""
}

func fit(words ...string) error {
	for _, w := range words {
		if len(w) > maxWords {
			return refuse("%.40s… has %d bytes; at most %d are kept of a name or a comment", w, len(w), maxWords)
		}
		if topics.FindCardNumber([]byte(w)) {
			return refuse("a card number must not stand in a name or a comment")
		}
	}
	return nil
}

// approved says whether two people have agreed to a set.
func approved(d *topics.RuleDeployment) bool {
	return d.Author != "" && d.Approver != "" && !topics.SamePerson(d.Author, d.Approver)
}

// holds says why a record does not hold the set that it names, nil where it does: who names a hash means that set.
func holds(d *topics.RuleDeployment) error {
	set, err := Unpack(d.Archive)
	if err != nil {
		return fmt.Errorf("the rule set %s cannot be used by this version: %w", d.RuleSet, err)
	}
	if set.Hash() != d.RuleSet {
		return refuse("what is kept as the rule set %s is, to this version, %s; have it deployed again", d.RuleSet, set.Hash())
	}
	return nil
}

// Check says why a deployment must not decide, nil where it may.
func Check(d *topics.RuleDeployment, fourEyes bool) error {
	if fourEyes && d.Slot == topics.RulesLive && !approved(d) {
		return refuse("the rule set %s of %s has no second person's approval, which is required here (risk.rules_four_eyes, or a set that two people agreed to before); have it deployed and approved again (weir rules deploy, weir rules approve)", d.RuleSet, d.Author)
	}
	return nil
}

// change is one record; one without a value removes its key.
type change struct {
	key   string
	value *topics.RuleDeployment
}

// enforce writes what it means that a set comes into force.
func (d *Desk) enforce(ctx context.Context, next topics.RuleDeployment, more ...change) error {
	past := next
	past.Archive = nil
	changes := []change{{next.Slot, &next}, {topics.RuleHistoryKey(next.At), &past}}
	if next.RolledBackBy == "" && next.Slot == topics.RulesLive {
		changes = append(changes, change{topics.RuleSetKey(next.RuleSet), &next})
	}
	return d.write(ctx, append(changes, more...)...)
}

// write puts the records into the topic, all or none.
func (d *Desk) write(ctx context.Context, changes ...change) error {
	var records []*kgo.Record
	for _, c := range changes {
		r := &kgo.Record{Topic: topics.Rules, Partition: 0, Key: []byte(c.key)}
		if c.value != nil {
			value, err := topics.Marshal(c.value)
			if err != nil {
				return err
			}
			r.Value = value
			envelope := topics.Envelope{ID: c.key + "-" + topics.RuleHistoryKey(c.value.At), Source: "weir/rules",
				Type: topics.TypeRuleDeployment, Subject: c.value.RuleSet, Time: c.value.At}
			for _, h := range envelope.Headers() {
				r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
			}
		}
		records = append(records, r)
	}
	if err := d.client.BeginTransaction(); err != nil {
		return fmt.Errorf("write %s: %w", topics.Rules, err)
	}
	produce, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	err := d.client.ProduceSync(produce, records...).FirstErr()
	// Once begun it is ended, whoever has lost patience: an open transaction would hold up every reader.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeWithin)
	defer cancel()
	if err = errors.Join(err, d.client.EndTransaction(end, kgo.TransactionEndTry(err == nil))); err != nil {
		return fmt.Errorf("write %s (somebody else may deploy at the same time; look at weir rules history): %w", topics.Rules, err)
	}
	return nil
}

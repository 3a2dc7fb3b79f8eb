package replay

import (
	"testing"
	"time"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// TestReplayReadsListsAsTheyWere: a decision is recomputed with the edits that it had read, whatever was edited since.
func TestReplayReadsListsAsTheyWere(t *testing.T) {
	w := newWorld(t)
	var err error
	w.set, err = rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(`version: 1
lists:
  denied: { editable: true, entries: [dev_0] }
rules:
  - { name: denied, when: context.device_id in list("denied"), outcome: block, on_missing: hold }
`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	now, whole := rules.NewEditLog(rules.KeepLatest), rules.NewEditLog(rules.KeepAll)
	outcomes := map[topics.Outcome]int{}
	for i, e := range []topics.ListEdit{
		{Action: topics.ListAdd, Value: "dev_1"}, {Action: topics.ListRemove, Value: "dev_1"}, {Action: topics.ListRemove, Value: "dev_0"},
		{Action: topics.ListAdd, Value: "dev_1", Tenant: "acme"}, {Action: topics.ListAdd, Value: "dev_0", Expires: w.clock}, {Action: topics.ListAdd, Value: "dev_0"},
	} {
		e.EditID, e.List, e.Match, e.Author, e.Reason = "x", "denied", "exact", "ann", "a test"
		for _, log := range []*rules.EditLog{now, whole} {
			if err := log.Apply(int64(i), &e, w.clock); err != nil {
				t.Fatal(err)
			}
		}
		w.edits = now.Edits()
		for k, device := range []string{"dev_0", "dev_1"} {
			d := w.assessed(10*i+k, device)
			if d.ListEdits != int64(i+1) {
				t.Fatalf("the decision had read the edits before %d, want %d", d.ListEdits, i+1)
			}
			outcomes[d.Outcome]++
			w.publish(d)
		}
	}
	if outcomes[topics.OutcomeBlock] == 0 || outcomes[topics.OutcomePass] == 0 {
		t.Fatalf("outcomes %v", outcomes)
	}
	for name, c := range map[string]struct {
		edits           *rules.Edits
		same, different bool
	}{
		"all edits":   {edits: whole.Edits(), same: true},
		"the latest":  {edits: now.Edits(), different: true}, // it knows nothing of before
		"none at all": {},
	} {
		w.edits = c.edits
		s, _ := w.replay(time.Time{})
		switch {
		case c.same && s.Same != 12, c.different && s.Different == 0, !c.same && !c.different && s.Unread != 12:
			t.Errorf("%s: %+v", name, s)
		}
	}
}

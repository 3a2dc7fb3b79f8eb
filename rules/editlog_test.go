package rules

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/topics"
)

// TestFourEyesTurnedOn: what was put into force before goes on counting, then and when a decision is recomputed; from then
// on an edit waits.
func TestFourEyesTurnedOn(t *testing.T) {
	compiled := func(keys string) *Set {
		set, err := Compile([]File{{Name: "rules.yaml", Text: []byte(`version: 1
lists:
  denied: { editable: true` + keys + `, entries: [dev_file] }
rules:
  - { name: denied, when: context.device_id in list("denied"), outcome: block, on_missing: hold }
`)}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	sets := map[string]*Set{"one person": compiled(""), "two": compiled(", four_eyes: true")}
	latest, whole := NewEditLog(KeepLatest), NewEditLog(KeepAll)
	for i, step := range []struct {
		edit topics.ListEdit
		want string // the devices that are blocked since
	}{
		{topics.ListEdit{EditID: "a", Action: topics.ListAdd, Value: "dev_1"}, "dev_file dev_1"},
		{topics.ListEdit{EditID: "b", Action: topics.ListRemove, Value: "dev_file"}, "dev_1"},
		// four eyes are turned on
		{topics.ListEdit{EditID: "c", Action: topics.ListRemove, Value: "dev_1", Propose: true}, "dev_1"},
		{topics.ListEdit{EditID: "d", Action: topics.ListAdd, Value: "dev_2", Propose: true}, "dev_1"},
		{topics.ListEdit{EditID: "c", Action: topics.ListApprove}, ""},
		// and off
		{topics.ListEdit{EditID: "e", Action: topics.ListAdd, Value: "dev_1"}, "dev_1"},
		{topics.ListEdit{EditID: "d", Action: topics.ListApprove}, "dev_1 dev_2"},
	} {
		e := step.edit
		e.List, e.Match, e.Tenant, e.Reason, e.Author = "denied", string(MatchExact), "acme", "a test", "ann"
		if e.Action == topics.ListApprove {
			e.Author = "bob"
		}
		for _, g := range []*EditLog{latest, whole} {
			if err := g.Apply(int64(i), &e, editMoment); err != nil {
				t.Fatal(err)
			}
		}
		for name, set := range sets {
			for view, edits := range map[string]*Edits{"now": latest.Edits(), "looked back at": whole.Edits().At(int64(i + 1))} {
				var blocked []string
				for _, device := range []string{"dev_file", "dev_1", "dev_2"} {
					in := Input{Command: &topics.Command{CommandID: "c", Type: topics.CommandCreate, Tenant: "acme", Context: &topics.Context{DeviceID: device}}, Edits: edits, Now: editMoment}
					if set.Evaluate(in).Outcome == topics.OutcomeBlock {
						blocked = append(blocked, device)
					}
				}
				if got := strings.Join(blocked, " "); got != step.want {
					t.Errorf("edit %d, by %s, %s: %q are blocked, want %q", i, name, view, got, step.want)
				}
			}
		}
	}
}

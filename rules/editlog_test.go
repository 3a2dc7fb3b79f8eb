package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

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

func anyList(string, string) bool { return true }

// proposer proposes and settles edits of lists of devices.
type proposer struct {
	*EditLog
	position int64
}

func (p *proposer) propose(id, list, tenant, value string, at time.Time) error {
	return p.apply(topics.ListEdit{EditID: id, Action: topics.ListAdd, List: list, Tenant: tenant, Value: value, Propose: true, Author: "ann"}, at)
}

func (p *proposer) settle(action topics.ListAction, id, list, tenant string, at time.Time) error {
	return p.apply(topics.ListEdit{EditID: id, Action: action, List: list, Tenant: tenant, Author: "bob"}, at)
}

func (p *proposer) apply(e topics.ListEdit, at time.Time) error {
	e.Match = string(MatchExact)
	p.position++
	return p.Apply(p.position, &e, at)
}

// full is a log in which as many edits of acme's list wait as may: edit-0 is an import, and wanted two changes more.
func full(t *testing.T) *proposer {
	p := &proposer{EditLog: NewEditLog(KeepLatest)}
	for i := range MaxWaiting {
		id := fmt.Sprintf("edit-%d", i)
		if i == 1 {
			id = "edit-0"
		}
		if err := p.propose(id, "denied", "acme", fmt.Sprintf("dev_%d", i), editMoment); err != nil {
			t.Fatal(i, err)
		}
	}
	for range 2 {
		if err := p.propose("edit-0", "denied", "acme", "dev_more", editMoment); err == nil || !strings.Contains(err.Error(), "10000 changes of the list wait") {
			t.Fatalf("a change too many: %v", err)
		}
	}
	return p
}

// TestProposalsOfOneTenantLeaveOthersRoom: the bound is each tenant's, for each list.
func TestProposalsOfOneTenantLeaveOthersRoom(t *testing.T) {
	p := full(t)
	for _, of := range []owner{{"denied", "bell"}, {"denied", ""}, {"other", "acme"}} {
		if err := p.propose("one", of.list, of.tenant, "dev_1", editMoment); err != nil {
			t.Errorf("%v: %v", of, err)
		}
	}
	next := func() error { return p.propose("next", "denied", "acme", "dev_next", editMoment) }
	if next() == nil {
		t.Error("more edits wait than may")
	}
	if err := p.settle(topics.ListReject, "edit-7", "denied", "acme", editMoment); err != nil {
		t.Fatal(err)
	}
	if err := next(); err != nil {
		t.Errorf("a rejected edit makes no room: %v", err)
	}
	if next() == nil {
		t.Error("a rejected edit makes room for more than one")
	}
}

// TestAnImportThatLacksChangesIsNotApproved: all of it comes into force, or nothing.
func TestAnImportThatLacksChangesIsNotApproved(t *testing.T) {
	p := full(t)
	if err := p.settle(topics.ListApprove, "edit-0", "denied", "acme", editMoment); err == nil || !strings.Contains(err.Error(), "lacks some of its changes") {
		t.Errorf("half an import is approved: %v", err)
	}
	if len(p.Edits().layers) != 0 {
		t.Error("half an import is in force")
	}
	if err := p.settle(topics.ListReject, "edit-0", "denied", "acme", editMoment); err != nil {
		t.Error(err)
	}
	if err := p.settle(topics.ListApprove, "edit-2", "denied", "acme", editMoment); err != nil {
		t.Errorf("a whole edit: %v", err)
	}
}

// TestProposalsAreDropped: after 30 days by the times of the records, to the nanosecond.
func TestProposalsAreDropped(t *testing.T) {
	p, end := full(t), editMoment.Add(30*24*time.Hour)
	before := end.Add(-1)
	if err := p.settle(topics.ListApprove, "edit-2", "denied", "acme", before); err != nil {
		t.Errorf("approved in time: %v", err)
	}
	if err := p.settle(topics.ListApprove, "edit-3", "denied", "acme", end); err == nil || !strings.Contains(err.Error(), "dropped after 30 days") {
		t.Errorf("approved too late: %v", err)
	}
	if got := len(p.Waiting(anyList, before)); got != MaxWaiting-2 {
		t.Errorf("%d edits wait", got)
	}
	if got := len(p.Waiting(anyList, end)); got != 0 {
		t.Errorf("%d edits wait for ever", got)
	}
	for i := range MaxWaiting { // there is room for as many again, and no more
		if err := p.propose(fmt.Sprintf("later-%d", i), "denied", "acme", "dev_1", end); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := p.propose("later", "denied", "acme", "dev_1", end); err == nil {
		t.Error("more edits wait than may")
	}
	if got := len(p.Waiting(anyList, end)); got != MaxWaiting {
		t.Errorf("%d edits wait", got)
	}
}

package rules

import (
	"fmt"
	"time"

	"github.com/weirhq/weir/topics"
)

// Limits of edits that wait for approval.
const (
	// MaxWaiting bounds the changes of a list that wait, for each tenant: those of one shut nobody else's out.
	MaxWaiting = 10_000
	// WaitingDays is how long an edit waits, by the times of the log's records; then it is dropped.
	WaitingDays = 30
)

// owner is whose list it is, whichever way it compares: what waits is settled by list and tenant alone.
type owner struct{ list, tenant string }

// proposals are the edits of one owner that wait for approval. Dropped ones may be among them until room is needed.
type proposals struct {
	byID    map[string]*proposal
	records int
}

// proposal is an edit that waits for approval: the change that it is, or all those of an import.
type proposal struct {
	since   time.Time
	changes []change
	refused error // why it lacks some of its changes, nil where it has all
}

type change struct {
	edit topics.ListEdit
	key  string
}

// dropped tells whether the proposal has waited for too long at a moment.
func (p *proposal) dropped(at time.Time) bool {
	return !at.Before(p.since.Add(WaitingDays * 24 * time.Hour))
}

func (w *proposals) remove(id string) {
	w.records -= len(w.byID[id].changes)
	delete(w.byID, id)
}

// Waiting is an edit that waits for approval.
type Waiting struct {
	topics.ListEdit     // the first of its records
	Records         int // how many it has
}

// Waiting are the edits that wait for approval at a moment, by id, of the lists and tenants that of says.
func (g *EditLog) Waiting(of func(list, tenant string) bool, at time.Time) map[string]Waiting {
	all := map[string]Waiting{}
	for o, w := range g.waiting {
		if !of(o.list, o.tenant) {
			continue
		}
		for id, p := range w.byID {
			if !p.dropped(at) {
				all[id] = Waiting{ListEdit: p.changes[0].edit, Records: len(p.changes)}
			}
		}
	}
	return all
}

// propose keeps a change until its edit is settled.
func (g *EditLog) propose(c change, at time.Time) error {
	of := owner{c.edit.List, c.edit.Tenant}
	w := g.waiting[of]
	if w == nil {
		w = &proposals{byID: map[string]*proposal{}}
	}
	p := w.byID[c.edit.EditID]
	if err := g.mayPropose(w, &c, at); err != nil {
		if p != nil {
			p.refused = err // an import is in force as a whole or not at all
		}
		return err
	}
	if p == nil {
		p = &proposal{since: at}
		w.byID[c.edit.EditID] = p
	}
	p.changes = append(p.changes, c)
	w.records++
	g.waiting[of] = w
	return nil
}

// mayPropose says why a change cannot wait; nil where it can.
func (g *EditLog) mayPropose(w *proposals, c *change, at time.Time) error {
	if w.records >= MaxWaiting {
		for id, p := range w.byID {
			if p.dropped(at) {
				w.remove(id)
			}
		}
	}
	if w.records >= MaxWaiting {
		return fmt.Errorf("%d changes of the list wait for approval; no more are taken until some are approved or rejected", w.records)
	}
	if l := g.edits.layers[layerOf(&c.edit)]; c.edit.Action == topics.ListAdd && l != nil {
		return l.room(c.key, at)
	}
	return nil
}

// settle approves or rejects a proposal, all changes of it.
func (g *EditLog) settle(position int64, e *topics.ListEdit, at time.Time) error {
	of := owner{e.List, e.Tenant}
	var p *proposal
	w := g.waiting[of]
	if w != nil {
		p = w.byID[e.EditID]
	}
	switch {
	case p == nil:
		return fmt.Errorf("no edit %s of the list and the tenant waits for approval", e.EditID)
	case e.Action == topics.ListReject:
	case p.dropped(at):
		return fmt.Errorf("the edit %s was dropped after %d days without approval; propose it again", e.EditID, WaitingDays)
	case topics.SamePerson(p.changes[0].edit.Author, e.Author):
		return fmt.Errorf("%s is the author of the edit; another person must approve it", p.changes[0].edit.Author)
	case p.refused != nil:
		return fmt.Errorf("the edit %s lacks some of its changes (%w); reject it and propose it again", e.EditID, p.refused)
	}
	if w.remove(e.EditID); len(w.byID) == 0 {
		delete(g.waiting, of)
	}
	if e.Action == topics.ListReject {
		return nil
	}
	for i := range p.changes {
		if err := g.put(position, EditRecord{p.changes[i].edit, e.Author}, p.changes[i].key, at); err != nil {
			return err
		}
	}
	return nil
}

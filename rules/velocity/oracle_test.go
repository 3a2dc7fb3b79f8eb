package velocity

import (
	"slices"
	"strings"

	"github.com/weirhq/weir/ledger"
)

// oracle is velocity without any cleverness: every event of every key in one slice, looked through for each answer. It
// knows nothing of slabs, expiry, summaries, changelogs or frames.
type oracle struct {
	skew    int64
	passed  int64   // the latest time that sixteen times in a row have
	times   []int64 // of all records, those of one time in a row once
	events  map[Key][]oracleEvent
	high    map[source]int64
	replies map[Origin][]Answer
	plan    map[string]map[string]int64 // by dimension: what is recorded, since when
	window  map[string]int64
	named   map[string]bool  // kinds that any plan has named: a category that none has named is a decline like others
	floor   map[string]int64 // by dimension: earlier events may have been dropped, while the window was shorter
}

type oracleEvent struct {
	at       int64
	kind     string
	reserved bool
	command  uint64
	amounts  map[ledger.Currency]Amount
	distinct map[string]ValueHash
}

func newOracle(skew int64) *oracle {
	return &oracle{
		skew: skew, events: map[Key][]oracleEvent{}, high: map[source]int64{}, replies: map[Origin][]Answer{},
		plan: map[string]map[string]int64{}, window: map[string]int64{}, floor: map[string]int64{}, named: map[string]bool{},
	}
}

// retain begins what is new and forgets what is no longer named.
func (o *oracle) retain(now int64, plan *Retain) {
	at := o.tick(now)
	for field := range o.plan {
		if !slices.ContainsFunc(plan.Dimensions, func(d Retained) bool { return d.Field == field }) {
			delete(o.plan, field)
		}
	}
	for _, d := range plan.Dimensions {
		parts := []string{""}
		for _, kind := range d.Kinds {
			parts = append(parts, "kind "+kind)
			o.named[kind] = true
		}
		for _, of := range d.Of {
			parts = append(parts, "of "+of)
		}
		for _, currency := range d.Currencies {
			parts = append(parts, "currency "+string(currency))
		}
		if d.Reserve {
			parts = append(parts, "reserve")
		}
		before := o.plan[d.Field]
		grows := d.Window > o.window[d.Field] && o.window[d.Field] > 0
		if grows {
			o.floor[d.Field] = o.horizon(d.Field)
		}
		o.plan[d.Field] = map[string]int64{}
		for _, part := range parts {
			since, ok := before[part]
			if !ok {
				since = at + 1
			}
			if part == "" && grows {
				since = max(since, o.floor[d.Field])
			}
			o.plan[d.Field][part] = since
		}
		o.window[d.Field] = d.Window
	}
}

func (o *oracle) horizon(field string) int64 {
	return max(o.passed-o.skew-o.window[field], o.floor[field])
}

// tick takes the time of a record and returns that of what it tells.
func (o *oracle) tick(recordTime int64) int64 {
	if n := len(o.times); n == 0 || o.times[n-1] != recordTime {
		o.times = append(o.times, recordTime)
	}
	last := slices.Sorted(slices.Values(o.times[max(len(o.times)-16, 0):]))
	if len(last) == 16 {
		o.passed = max(o.passed, last[0])
	}
	if len(last) < 4 {
		return recordTime
	}
	return max(o.passed, recordTime, last[len(last)-4])
}

// apply is what State.Apply must answer.
func (o *oracle) apply(recordTime int64, s *Signal) []Answer {
	from := source{s.Origin.Role, s.Origin.Partition}
	if high, ok := o.high[from]; ok && s.Origin.Offset <= high {
		return o.replies[s.Origin]
	}
	o.high[from] = s.Origin.Offset
	now := o.tick(recordTime)
	at := min(max(s.Time, now-o.skew), now)
	answers := []Answer{}
	for i := range s.Dimensions {
		d := &s.Dimensions[i]
		for j := range d.Queries {
			answers = append(answers, o.answer(at, s.Command, d, &d.Queries[j]))
		}
		o.record(at, s, d)
	}
	o.replies[s.Origin] = answers
	return answers
}

func (o *oracle) records(field, kind string) bool {
	plan := o.plan[field]
	_, exact := plan["kind "+kind]
	_, any := plan["kind declined"]
	return exact || any && strings.HasPrefix(kind, "declined.")
}

func (o *oracle) record(at int64, s *Signal, d *Dimension) {
	event := oracleEvent{at: at, kind: s.Kind, command: s.Command, amounts: map[ledger.Currency]Amount{}, distinct: map[string]ValueHash{}}
	if strings.HasPrefix(s.Kind, "declined.") && !o.named[s.Kind] {
		event.kind = KindDeclined
	}
	for _, a := range d.Amounts {
		if _, ok := o.plan[d.Field]["currency "+string(a.Currency)]; ok {
			event.amounts[a.Currency] = a
		}
	}
	for _, v := range d.Distinct {
		if _, ok := o.plan[d.Field]["of "+v.Field]; ok {
			event.distinct[v.Field] = v.Hash
		}
	}
	adds := d.Record && s.Kind != "" && o.records(d.Field, s.Kind)
	if s.Settles {
		for i := range o.events[d.Key] {
			e := &o.events[d.Key][i]
			if e.reserved && e.command == s.Command && e.at >= o.horizon(d.Field) {
				*e = oracleEvent{at: e.at, kind: "", command: e.command}
				if adds && s.Kind == KindApproved {
					*e = event
					adds = false
				}
				break
			}
		}
	}
	_, reserve := o.plan[d.Field]["reserve"]
	reserve = reserve && d.Reserve
	if s.Origin.Role != RoleOutcomes && slices.ContainsFunc(o.events[d.Key], func(e oracleEvent) bool { return e.command == s.Command && e.at >= o.horizon(d.Field) }) {
		return
	}
	if adds {
		o.events[d.Key] = append(o.events[d.Key], event)
	}
	if reserve {
		event.kind, event.reserved = KindApproved, true
		o.events[d.Key] = append(o.events[d.Key], event)
	}
}

func (o *oracle) answer(at int64, command uint64, d *Dimension, q *Query) Answer {
	a := Answer{ID: q.ID}
	since := o.plan[d.Field][""]
	complete := o.plan[d.Field] != nil
	for _, kind := range q.Kinds {
		started, ok := o.plan[d.Field]["kind "+kind]
		since, complete = max(since, started), complete && ok
	}
	part := ""
	switch {
	case q.Aggregate == Distinct:
		part = "of " + q.Of
	case q.Currency != "":
		part = "currency " + string(q.Currency)
	}
	if started, ok := o.plan[d.Field][part]; part != "" {
		since, complete = max(since, started), complete && ok
	}
	if started, ok := o.plan[d.Field]["reserve"]; q.Reserve {
		since, complete = max(since, started), complete && ok
	}
	if !complete || q.Window > o.window[d.Field] {
		a.Unknown = true
		return a
	}
	if at-q.Window < since {
		a.WarmingUntil = since + q.Window
	}
	values := map[ValueHash]bool{}
	first, last := int64(-1), int64(-1)
	for _, e := range o.events[d.Key] {
		if e.at < max(at-q.Window, o.horizon(d.Field)) || e.command == command || !q.counts(&e) {
			continue
		}
		switch q.Aggregate {
		case Count:
			a.Value++
		case Sum:
			a.Value += e.amounts[q.Currency].Minor
			a.Unknown = a.Unknown || e.amounts[q.Currency].Unknown
		case Max:
			a.Value = max(a.Value, e.amounts[q.Currency].Minor)
			a.Unknown = a.Unknown || e.amounts[q.Currency].Unknown
		case Distinct:
			if hash, ok := e.distinct[q.Of]; ok {
				values[hash] = true
			}
		}
		if first < 0 || e.at < first {
			first = e.at
		}
		last = max(last, e.at)
	}
	switch {
	case a.Unknown:
		a.Value = 0
	case q.Aggregate == Distinct:
		a.Value = int64(len(values))
	case q.Aggregate == SinceFirst && first >= 0:
		a.Value = max(at-first, 0) / 1000
	case q.Aggregate == SinceLast && first >= 0:
		a.Value = max(at-last, 0) / 1000
	case q.Aggregate == SinceLast:
		a.Value = q.Window / 1000
	}
	return a
}

func (q *Query) counts(e *oracleEvent) bool {
	if e.reserved {
		return q.Reserve
	}
	return slices.Contains(q.Kinds, e.kind) || slices.Contains(q.Kinds, KindDeclined) && strings.HasPrefix(e.kind, "declined.")
}

// demand compares answers: exact ones are equal; approximate ones are never too low, and only where a key is allowed to
// be.
func demand(t interface{ Fatalf(string, ...any) }, got, want []Answer, exact bool) {
	if len(got) != len(want) {
		t.Fatalf("%d answers, want %d", len(got), len(want))
	}
	for i := range got {
		g, w := got[i], want[i]
		if exact && g.Approximate {
			t.Fatalf("answer %d of %d is approximate: %+v, want %+v", i+1, len(got), g, w)
		}
		if g.Approximate && (g.Value >= w.Value || g.Unknown) {
			g.Approximate, g.Value, g.Unknown = false, w.Value, w.Unknown
		}
		if g != w {
			t.Fatalf("answer %d of %d: %+v, want %+v", i+1, len(got), got[i], w)
		}
	}
}

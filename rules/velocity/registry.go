package velocity

import (
	"slices"
	"strings"
)

// Codes of kinds. Named kinds get the codes above, in the order in which a Retain first names them.
const (
	codeSettled  uint8 = 0 // was a reservation; counts nowhere
	codeReserved uint8 = 1 // approved until its outcome is known
	codeAttempt  uint8 = 2
	codeApproved uint8 = 3
	codeDeclined uint8 = 4
	firstCode          = 2
	maxCodes           = 256
)

// standardKinds have the codes from firstCode on.
var standardKinds = [...]string{KindAttempt, KindApproved, KindDeclined, KindRefunded, KindDisputed, KindPayout}

// maxRecorded bounds the dimensions of a partition, those of all tenants together, and so its tenants: who may name a
// tenant could otherwise take all memory. It stays below what Restore takes.
const maxRecorded = 1 << 18

// never is the time since which nothing is recorded: there is no answer.
const never = maxTime

// registry knows what is recorded, and since when: what velocity can answer.
type registry struct {
	tenants    map[string]*tenant
	dimensions []*dimension // by number, as entries name them
	kinds      []string     // by code − firstCode
	codes      map[string]uint8
}

type tenant struct {
	version    int64
	dimensions map[string]*dimension
}

// dimension is one field of a tenant. What a Retain no longer names is ended, and begins anew when one names it again.
type dimension struct {
	number  uint32
	tenant  string
	field   string
	active  bool
	version int64 // of the Retain that was applied last
	window  int64 // how far back events are kept, in milliseconds
	since   int64 // from when on everything is held, for any kind
	floor   int64 // no earlier event is looked at: only some were kept, while the window was shorter
	kinds   []started
	groups  []group
	changed bool // since the last changelog

	records   kindSet              // of kinds, for events
	questions map[uint64]*question // by Query.ID; emptied by every change
	lately    []asked              // what was asked last, by the place among the queries of its signal
}

// started is a kind of event and since when it is recorded.
type started struct {
	kind  uint8
	since int64
}

// group is one list of events for each key of the dimension, with room for an amount in one currency and two distinct
// values. A dimension whose definitions need more has further groups, under keys of their own.
type group struct {
	currencies [1]slot
	values     [2]slot
}

// slot is where records have an amount or a value: in which currency, or of which field.
type slot struct {
	name  string
	since int64 // from when on it is recorded
	ended int64 // no event that it holds is later, and nothing is recorded any more; 0 where it still is
}

func (s *slot) recorded(name string) bool { return name != "" && s.name == name && s.ended == 0 }

func newRegistry() registry {
	r := registry{tenants: map[string]*tenant{}}
	r.setKinds(nil)
	return r
}

// setKinds gives codes to the standard kinds and then to those named.
func (r *registry) setKinds(named []string) {
	r.kinds, r.codes = nil, map[string]uint8{}
	for _, name := range append(standardKinds[:], named...) {
		r.code(name)
	}
}

// code is the code of a kind, which it gets now where it has none; 0 where all codes are used up.
func (r *registry) code(name string) uint8 {
	if code, ok := r.codes[name]; ok || firstCode+len(r.kinds) == maxCodes {
		return code
	}
	r.kinds = append(r.kinds, name)
	r.codes[name] = uint8(firstCode + len(r.kinds) - 1)
	return r.codes[name]
}

// codeOf is the code under which an event is recorded: a category of declines that no definition names is a decline
// like others. 0: no definition counts it.
func (r *registry) codeOf(kind string) uint8 {
	if code, ok := r.codes[kind]; ok {
		return code
	}
	if strings.HasPrefix(kind, KindDeclined+".") {
		return codeDeclined
	}
	return 0
}

func (r *registry) find(tenant, field string) *dimension {
	if t := r.tenants[tenant]; t != nil {
		return t.dimensions[field]
	}
	return nil
}

// retain puts a Retain into force at time now. No event is later than last; reach is as dimension.horizon takes it. It tells
// whether anything changed.
func (r *registry) retain(plan *Retain, now, last, reach int64) bool {
	t := r.tenants[plan.Tenant]
	if t == nil {
		t = &tenant{dimensions: map[string]*dimension{}} // becomes one with its first dimension
	}
	version := min(plan.Version, now) // a clock that is fast must not shut out those that are right
	if version < t.version {
		return false
	}
	before := len(r.kinds)
	changed := false
	named := map[string]bool{}
	for i := range plan.Dimensions {
		named[plan.Dimensions[i].Field] = true
		changed = r.begin(t, plan, &plan.Dimensions[i], now, last, reach) || changed
	}
	for _, d := range t.dimensions {
		if d.active && !named[d.field] {
			d.active, d.changed, changed = false, true, true
			d.kinds = nil
			d.end(currencies, nil, last)
			d.end(values, nil, last)
		}
	}
	if version > t.version {
		t.version, changed = version, true
		for _, d := range t.dimensions {
			d.version, d.changed = version, true
		}
	}
	switch {
	case before != len(r.kinds):
		r.resolve() // a category that is new is among the declines of every tenant
	case changed:
		for _, d := range t.dimensions {
			r.resolveOne(d)
		}
	}
	return changed
}

// begin brings one dimension in line with its plan; what is new in it is recorded from now on. Above maxRecorded nothing
// begins, and questions about the dimension have no answer.
func (r *registry) begin(t *tenant, plan *Retain, wanted *Retained, now, last, reach int64) bool {
	from := now + 1 // what arrived up to now may lie at now
	d := t.dimensions[wanted.Field]
	if d == nil {
		if len(r.dimensions) >= maxRecorded {
			return false
		}
		r.tenants[plan.Tenant] = t
		d = &dimension{number: uint32(len(r.dimensions)), tenant: plan.Tenant, field: wanted.Field}
		r.dimensions = append(r.dimensions, d)
		t.dimensions[wanted.Field] = d
	}
	if !d.active {
		d.active, d.changed, d.since = true, true, from
		if len(d.groups) == 0 {
			d.groups = append(d.groups, group{})
		}
	}
	if wanted.Window > d.window && d.window > 0 {
		d.floor = d.horizon(reach)
		d.since = max(d.since, d.floor)
	}
	if wanted.Window != d.window {
		d.window, d.changed = wanted.Window, true
	}
	d.beginKinds(r, wanted, from)
	codes := make([]string, len(wanted.Currencies))
	for i, currency := range wanted.Currencies {
		codes[i] = string(currency)
	}
	for _, each := range [...]struct {
		of    slots
		names []string
	}{{currencies, codes}, {values, wanted.Of}} {
		d.end(each.of, each.names, last)
		for _, name := range each.names {
			d.start(each.of, name, now, reach)
		}
	}
	return d.changed
}

// horizon is the time before which no event is looked at any more, where none to come lies before reach.
func (d *dimension) horizon(reach int64) int64 { return max(reach-d.window, d.floor) }

func (d *dimension) beginKinds(r *registry, wanted *Retained, from int64) {
	codes := make([]uint8, 0, len(wanted.Kinds)+1)
	if wanted.Reserve {
		codes = append(codes, codeReserved)
	}
	for _, name := range wanted.Kinds {
		if code := r.code(name); code != 0 {
			codes = append(codes, code)
		}
	}
	kept := slices.DeleteFunc(d.kinds, func(s started) bool { return !slices.Contains(codes, s.kind) })
	d.changed = d.changed || len(kept) != len(d.kinds)
	d.kinds = kept
	for _, code := range codes {
		if !slices.ContainsFunc(d.kinds, func(s started) bool { return s.kind == code }) {
			d.kinds, d.changed = append(d.kinds, started{code, from}), true
		}
	}
}

// slots are those of a group for amounts, or those for values.
type slots func(*group) []slot

func currencies(g *group) []slot { return g.currencies[:] }
func values(g *group) []slot     { return g.values[:] }

// end ends what is recorded in slots and not wanted any more. No event in them is later than last.
func (d *dimension) end(of slots, wanted []string, last int64) {
	for i := range d.groups {
		for j := range of(&d.groups[i]) {
			s := &of(&d.groups[i])[j]
			if s.recorded(s.name) && !slices.Contains(wanted, s.name) {
				s.ended, d.changed = last, true
			}
		}
	}
}

// start records a name in a slot: the one that it had, where what it holds is of use again, or one that holds nothing
// which is still looked at. Where the dimension has maxItems groups already it is not recorded.
func (d *dimension) start(of slots, name string, now, reach int64) {
	var free *slot
	for i := range d.groups {
		for j := range of(&d.groups[i]) {
			s := &of(&d.groups[i])[j]
			switch {
			case s.recorded(name):
				return
			case s.name == name:
				s.since, s.ended, d.changed = now+1, 0, true
				return
			case free == nil && (s.name == "" || s.ended != 0 && s.ended < d.horizon(reach)):
				free = s
			}
		}
	}
	if free == nil {
		if len(d.groups) >= maxItems {
			return
		}
		d.groups = append(d.groups, group{})
		free = &of(&d.groups[len(d.groups)-1])[0]
	}
	*free, d.changed = slot{name: name, since: now + 1}, true
}

// keeps tells whether events are recorded in the group: the first holds what is counted, others what they have room for.
func (g *group) keeps(number int) bool {
	recorded := func(s slot) bool { return s.recorded(s.name) }
	return number == 0 || slices.ContainsFunc(g.currencies[:], recorded) || slices.ContainsFunc(g.values[:], recorded)
}

// find is the group and the slot that record a name; ok is false where none does.
func (d *dimension) find(of slots, name string) (g, slot int, ok bool) {
	for i := range d.groups {
		for j := range of(&d.groups[i]) {
			if of(&d.groups[i])[j].recorded(name) {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// resolve works out again what follows from the registry.
func (r *registry) resolve() {
	for _, d := range r.dimensions {
		r.resolveOne(d)
	}
}

func (r *registry) resolveOne(d *dimension) {
	d.records, d.questions, d.lately = kindSet{}, nil, nil
	for _, s := range d.kinds {
		for _, code := range r.counted(s.kind) {
			d.records.add(code)
		}
	}
}

// counted are the codes of the events that a kind stands for: a decline may be of any category.
func (r *registry) counted(kind uint8) []uint8 {
	codes := []uint8{kind}
	if kind == codeDeclined {
		for i, name := range r.kinds {
			if strings.HasPrefix(name, KindDeclined+".") {
				codes = append(codes, uint8(firstCode+i))
			}
		}
	}
	return codes
}

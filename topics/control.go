package topics

import (
	"fmt"
	"strings"
	"time"
)

// TypeRouteControl is the kind of record that psp.controls.v1 holds.
const TypeRouteControl = "weir.route.control.v1"

// RouteScope is what a kill switch keeps from being asked for authorisations. An empty field stands for all there are.
type RouteScope struct {
	PSP     string `json:"psp,omitempty"`
	Method  string `json:"method,omitempty"`  // card, bank_redirect, qr or crypto
	Country string `json:"country,omitempty"` // of the card: ISO 3166-1 alpha-2
	Tenant  string `json:"tenant,omitempty"`
}

// Covers says that the switch is for what is to be asked. What is not known of that is covered by no switch that asks for it.
func (s RouteScope) Covers(asked RouteScope) bool {
	fits := func(want, have string) bool { return want == "" || want == have }
	return fits(s.PSP, asked.PSP) && fits(s.Method, asked.Method) && fits(s.Country, asked.Country) && fits(s.Tenant, asked.Tenant)
}

// String is the scope for people: "alpha, country DE".
func (s RouteScope) String() string {
	parts := []string{"every PSP"}
	if s.PSP != "" {
		parts[0] = s.PSP
	}
	for _, p := range [...][2]string{{"method", s.Method}, {"country", s.Country}, {"tenant", s.Tenant}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+p[1])
		}
	}
	return strings.Join(parts, ", ")
}

// RouteControl is the value of psp.controls.v1: a kill switch that was turned on or off. What is in force is the last record
// of each scope; all are kept, so the topic tells who did what, when and why.
type RouteControl struct {
	ControlID string     `json:"control_id"` // UUID
	Scope     RouteScope `json:"scope"`
	Disabled  bool       `json:"disabled"`       // false: what the same scope disabled is enabled again
	Until     time.Time  `json:"until,omitzero"` // disabled before this moment; absent: until it is enabled
	Reason    string     `json:"reason"`
	Author    string     `json:"author"`
	At        time.Time  `json:"at"` // by the clock of who wrote it
}

// Controls are the kill switches that are on, by scope. It is never changed: With makes another one.
type Controls map[RouteScope]RouteControl

// With is the controls after one more record.
func (c Controls) With(r *RouteControl) Controls {
	after := make(Controls, len(c)+1)
	for scope, control := range c {
		after[scope] = control
	}
	if r.Disabled {
		after[r.Scope] = *r
	} else {
		delete(after, r.Scope)
	}
	return after
}

// Disabled says why a PSP must not be asked at a time, for people; "" where it may be.
func (c Controls) Disabled(asked RouteScope, at time.Time) string {
	var found *RouteControl
	for scope, control := range c {
		on := scope.Covers(asked) && (control.Until.IsZero() || at.Before(control.Until))
		if on && (found == nil || control.before(found)) {
			found = &control
		}
	}
	if found == nil {
		return ""
	}
	return fmt.Sprintf("disabled for %s since %s: %s", found.Scope, found.At.UTC().Format(time.RFC3339), found.Reason)
}

// before orders switches that are on at once, so that always the same one is named.
func (r *RouteControl) before(other *RouteControl) bool {
	if !r.At.Equal(other.At) {
		return r.At.Before(other.At)
	}
	return r.Scope.String() < other.Scope.String()
}

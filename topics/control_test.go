package topics

import (
	"testing"
	"time"
)

func TestControls(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	card := RouteScope{PSP: "alpha", Method: MethodCard, Country: "DE", Tenant: "acme"}
	on := func(c Controls, s RouteScope, until time.Time) Controls {
		return c.With(&RouteControl{Scope: s, Disabled: true, Reason: "drill", At: at, Until: until})
	}
	never := time.Time{}
	for _, c := range []struct {
		name     string
		controls Controls
		asked    RouteScope
		at       time.Time
		want     string
	}{
		{"none", nil, card, at, ""},
		{"the PSP", on(nil, RouteScope{PSP: "alpha"}, never), card, at, "disabled for alpha since 2026-11-22T12:00:00Z: drill"},
		{"another PSP", on(nil, RouteScope{PSP: "beta"}, never), card, at, ""},
		{"a country of every PSP", on(nil, RouteScope{Country: "DE"}, never), card, at, "disabled for every PSP, country DE since 2026-11-22T12:00:00Z: drill"},
		{"all four", on(nil, card, never), card, at, "disabled for alpha, method card, country DE, tenant acme since 2026-11-22T12:00:00Z: drill"},
		{"another country", on(nil, RouteScope{PSP: "alpha", Country: "FR"}, never), card, at, ""},
		{"a country that is not known", on(nil, RouteScope{PSP: "alpha", Country: "DE"}, never), RouteScope{PSP: "alpha"}, at, ""},
		{"for a while", on(nil, RouteScope{PSP: "alpha"}, at.Add(time.Hour)), card, at.Add(59 * time.Minute), "disabled for alpha since 2026-11-22T12:00:00Z: drill"},
		{"its end", on(nil, RouteScope{PSP: "alpha"}, at.Add(time.Hour)), card, at.Add(time.Hour), ""},
		{"enabled again", on(nil, RouteScope{PSP: "alpha"}, never).With(&RouteControl{Scope: RouteScope{PSP: "alpha"}}), card, at, ""},
		{"enabled in another scope", on(nil, RouteScope{PSP: "alpha"}, never).With(&RouteControl{Scope: RouteScope{PSP: "alpha", Country: "DE"}}), card, at,
			"disabled for alpha since 2026-11-22T12:00:00Z: drill"},
	} {
		if got := c.controls.Disabled(c.asked, c.at); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestControlsAreNotChanged: who reads the switches while another one is turned reads those of before.
func TestControlsAreNotChanged(t *testing.T) {
	before := Controls{}.With(&RouteControl{Scope: RouteScope{PSP: "alpha"}, Disabled: true})
	before.With(&RouteControl{Scope: RouteScope{PSP: "alpha"}})
	before.With(&RouteControl{Scope: RouteScope{PSP: "beta"}, Disabled: true})
	if len(before) != 1 || !before[RouteScope{PSP: "alpha"}].Disabled {
		t.Errorf("%v", before)
	}
}

package killswitch_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/killswitch"
	"github.com/weirhq/weir/topics"
)

func desk(t *testing.T, b *brokertest.Broker) *killswitch.Desk {
	t.Helper()
	d, err := killswitch.Open(b.Config.Options(slog.New(slog.DiscardHandler)), []string{"alpha", "beta"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func TestTurn(t *testing.T) {
	b := brokertest.New(t, 1)
	ann, bob := desk(t, b), desk(t, b)
	now := time.Now()
	off := topics.RouteControl{Scope: topics.RouteScope{PSP: "alpha", Country: "DE"}, Disabled: true, Reason: "issuer down", Author: "ann", Until: now.Add(time.Hour)}
	turn := func(d *killswitch.Desk, c topics.RouteControl, at time.Time, want bool) {
		t.Helper()
		if changed, err := d.Turn(t.Context(), c, at); err != nil || changed != want {
			t.Fatalf("changed %t, %v; want %t", changed, err, want)
		}
	}
	turn(ann, off, now, true)
	turn(bob, off, now, false) // it is so
	on, err := bob.On(t.Context(), now)
	if err != nil || len(on) != 1 || on[0].Author != "ann" || on[0].Scope != off.Scope || on[0].Reason != "issuer down" {
		t.Fatalf("%+v, %v", on, err)
	}
	if on, _ = bob.On(t.Context(), now.Add(time.Hour)); len(on) != 0 {
		t.Errorf("on after its end: %+v", on)
	}
	again := off
	again.Until = time.Time{}
	turn(bob, again, now, true) // for longer
	back := topics.RouteControl{Scope: off.Scope, Reason: "it is back", Author: "bob"}
	turn(bob, back, now, true)
	var refused *killswitch.Refused
	if _, err := ann.Turn(t.Context(), back, now); !errors.As(err, &refused) || !strings.Contains(err.Error(), "is not disabled") {
		t.Errorf("enabled twice: %v", err)
	}
	all, err := killswitch.History(t.Context(), b.Config.Options(slog.New(slog.DiscardHandler)))
	if err != nil || len(all) != 3 || all[2].Author != "bob" || all[2].Disabled || all[2].Reason != "it is back" {
		t.Errorf("history %+v, %v", all, err)
	}
}

func TestTurnRefused(t *testing.T) {
	d := desk(t, brokertest.New(t, 1))
	now := time.Now()
	good := topics.RouteControl{Scope: topics.RouteScope{PSP: "alpha"}, Disabled: true, Reason: "drill", Author: "ann"}
	for _, c := range []struct {
		change func(*topics.RouteControl)
		want   string
	}{
		{func(c *topics.RouteControl) { c.Scope.PSP = "gamma" }, `no PSP "gamma" is configured; there are: alpha, beta`},
		{func(c *topics.RouteControl) { c.Scope.Method = "pigeon" }, `method: no payments of method "pigeon" are there; want one of card, bank_redirect, qr, crypto`},
		{func(c *topics.RouteControl) { c.Scope.Country = "Germany" }, `country: "Germany" is none; want two capital letters of ISO 3166-1, such as DE`},
		{func(c *topics.RouteControl) { c.Scope.Tenant = "a b" }, "tenant: want 1 to 64 printable"},
		{func(c *topics.RouteControl) { c.Author = " " }, "who turns the switch? Name an author"},
		{func(c *topics.RouteControl) { c.Reason = "" }, "why is the switch turned? Give a reason"},
		{func(c *topics.RouteControl) { c.Reason = "card 4111111111111111" }, "a card number must not stand in a name or a reason"},
		{func(c *topics.RouteControl) { c.Until = now.Add(-time.Second) }, "is past"},
		{func(c *topics.RouteControl) { c.Disabled, c.Until = false, now.Add(time.Hour) }, "until: has no place where a PSP is enabled"},
	} {
		asked := good
		c.change(&asked)
		_, err := d.Turn(t.Context(), asked, now)
		var refused *killswitch.Refused
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	if on, err := d.On(t.Context(), now); err != nil || len(on) != 0 {
		t.Errorf("%+v, %v", on, err)
	}
}

// TestWatch: a process knows the switches of before once Wait returns, and follows those that are turned later.
func TestWatch(t *testing.T) {
	b := brokertest.New(t, 1)
	d := desk(t, b)
	now := time.Now()
	alpha, beta := topics.RouteScope{PSP: "alpha"}, topics.RouteScope{PSP: "beta"}
	if _, err := d.Turn(t.Context(), topics.RouteControl{Scope: alpha, Disabled: true, Reason: "drill", Author: "ann"}, now); err != nil {
		t.Fatal(err)
	}
	w := killswitch.NewWatch(b.Config.Options(slog.New(slog.DiscardHandler)), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	if err := w.Wait(ctx); err != nil || w.Controls().Disabled(alpha, now) == "" || w.Controls().Disabled(beta, now) != "" {
		t.Errorf("%v, %+v", err, w.Controls())
	}
	if _, err := d.Turn(t.Context(), topics.RouteControl{Scope: beta, Disabled: true, Reason: "drill", Author: "ann"}, now); err != nil {
		t.Fatal(err)
	}
	for w.Controls().Disabled(beta, now) == "" {
		select {
		case <-t.Context().Done():
			t.Fatal("never in force")
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	if err := <-ended; err != nil || w.Err() != nil {
		t.Error(err, w.Err())
	}
}

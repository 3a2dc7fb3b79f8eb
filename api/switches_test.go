package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/killswitch"
	"github.com/weirhq/weir/topics"
)

func newSwitches(t testing.TB, b *brokertest.Broker) *killswitch.Desk {
	t.Helper()
	desk, err := killswitch.Open(b.Config.Options(slog.New(slog.DiscardHandler)), []string{"sandbox"})
	if err != nil {
		t.Fatal(err)
	}
	return desk
}

func TestKillSwitches(t *testing.T) {
	f := newFixture(t, nil)
	const path = "/v1/routes/switches"
	turned := func(method, path, body string, headers header, want int, says string) {
		t.Helper()
		if a := f.call(t, method, path, body, headers); a.status != want || !strings.Contains(string(a.body), says) {
			t.Errorf("%s %s: %d %s, want %d with %q", method, path, a.status, a.body, want, says)
		}
	}
	list := func(headers header) []KillSwitch {
		t.Helper()
		var page KillSwitchList
		if a := f.call(t, http.MethodGet, path, "", headers); a.status != http.StatusOK || json.Unmarshal(a.body, &page) != nil {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return page.Data
	}
	other := header{"Authorization": "Bearer " + otherSecret}
	till := header{"Authorization": "Bearer " + tillSecret}

	turned(http.MethodPut, path+"/sandbox?country=DE", `{"reason":"timeouts"}`, nil, 200, "in_force")
	turned(http.MethodPut, path+"/sandbox?country=DE", `{"reason":"timeouts"}`, nil, 200, "unchanged")
	turned(http.MethodPut, path+"/all", `{"reason":"fraud","until":"2999-01-01T00:00:00Z"}`, other, 200, "in_force")
	on := list(nil)
	if len(on) != 1 || on[0].PSP != "sandbox" || on[0].Country != "DE" || on[0].Author != "shop" || on[0].Reason != "timeouts" || on[0].Of != "tenant" {
		t.Errorf("%+v", on)
	}
	if on = list(other); len(on) != 1 || on[0].PSP != "all" || on[0].Until == nil {
		t.Errorf("another tenant's: %+v", on)
	}
	turned(http.MethodDelete, path+"/sandbox?reason=over", "", nil, 422, "is not disabled")
	turned(http.MethodDelete, path+"/sandbox?country=DE&reason=over", "", nil, 200, "in_force")
	if on = list(nil); len(on) != 0 {
		t.Errorf("%+v", on)
	}
	all, err := killswitch.History(t.Context(), f.broker.Config.Options(slog.New(slog.DiscardHandler)))
	if want := (topics.RouteScope{PSP: "sandbox", Country: "DE", Tenant: "acme"}); err != nil || len(all) != 3 || all[2].Scope != want || all[2].Disabled {
		t.Errorf("%+v, %v", all, err)
	}

	turned(http.MethodPut, path+"/sandbox", `{"reason":"timeouts"}`, till, 403, "approver_required")
	turned(http.MethodPut, path+"/sandbx", `{"reason":"timeouts"}`, nil, 422, "no PSP \\\"sandbx\\\" is configured; there are: sandbox")
	turned(http.MethodPut, path+"/sandbox", `{"reason":""}`, nil, 422, "Give a reason")
	turned(http.MethodPut, path+"/sandbox", `{"reason":"x","until":"2001-01-01T00:00:00Z"}`, nil, 422, "is past")
	turned(http.MethodPut, path+"/sandbox?land=DE", `{"reason":"x"}`, nil, 400, "want method, country")
	turned(http.MethodPut, path+"/sandbox?country=Germany", `{"reason":"x"}`, nil, 422, "ISO 3166-1")
}

package api

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/listtopic"
	"github.com/weirhq/weir/rules"
)

// newLists opens the lists of a small rule set.
func newLists(t testing.TB, b *brokertest.Broker) *listtopic.Desk {
	t.Helper()
	set, err := rules.Compile([]rules.File{{Name: "rules.yaml", Text: []byte(`version: 1
lists:
  denied_devices: { editable: true, entries: [dev_80] }
  denied_networks: { editable: true, four_eyes: true, match: network }
  countries: { entries: [NG] }
rules:
  - { name: device, when: context.device_id in list("denied_devices"), outcome: block, on_missing: hold }
  - { name: network, when: context.ip in list("denied_networks") || card.country in list("countries"), outcome: block, on_missing: hold }
`)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	desk, err := listtopic.Open(b.Config.Options(slog.New(slog.DiscardHandler)), func() *rules.Set { return set })
	if err != nil {
		t.Fatal(err)
	}
	return desk
}

func (f *fixture) list(t *testing.T, path string, headers header) (page ListPage) {
	t.Helper()
	a := f.call(t, http.MethodGet, path, "", headers)
	if err := json.Unmarshal(a.body, &page); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return page
}

func values(page ListPage) string {
	var all []string
	for _, e := range page.Data {
		all = append(all, e.Value)
	}
	return strings.Join(all, " ")
}

func TestListsAreEditedOverHTTP(t *testing.T) {
	f := newFixture(t, nil)
	const entries = "/v1/lists/denied_devices/entries/"
	edited := func(method, path, body string, headers header, want int) (e ListEdited) {
		t.Helper()
		a := f.call(t, method, path, body, headers)
		if err := json.Unmarshal(a.body, &e); err != nil || a.status != want {
			t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, want)
		}
		return e
	}
	other := header{"Authorization": "Bearer " + otherSecret}
	if e := edited(http.MethodPut, entries+"dev_81", `{"reason":"account takeover","expires":"2999-01-01T00:00:00Z"}`, nil, 200); e.Status != "in_force" || e.EditID == "" {
		t.Errorf("%+v", e)
	}
	if e := edited(http.MethodPut, entries+"dev_81", `{"reason":"account takeover","expires":"2999-01-01T00:00:00Z"}`, nil, 200); e.Status != "unchanged" {
		t.Errorf("again: %+v", e)
	}
	edited(http.MethodDelete, entries+"dev_80?reason=a+test+device", "", nil, 200)
	page := f.list(t, "/v1/lists/denied_devices", nil)
	if values(page) != "dev_81" || page.Data[0].Author != "shop" || page.Data[0].Of != "tenant" || page.Data[0].Reason != "account takeover" {
		t.Errorf("%+v", page)
	}
	if page := f.list(t, "/v1/lists/denied_devices", other); values(page) != "dev_80" || page.Data[0].Origin != "rule_files" {
		t.Errorf("another tenant's list: %+v", page)
	}
	for _, v := range []string{"dev_1", "dev_2", "dev_3"} {
		edited(http.MethodPut, entries+v, `{"reason":"x"}`, nil, 200)
	}
	first := f.list(t, "/v1/lists/denied_devices?limit=2", nil)
	rest := f.list(t, "/v1/lists/denied_devices?limit=2&after="+first.NextAfter, nil)
	if values(first) != "dev_1 dev_2" || values(rest) != "dev_3 dev_81" || rest.NextAfter != "" {
		t.Errorf("pages %+v, %+v", first, rest)
	}

	const networks = "/v1/lists/denied_networks"
	proposed := edited(http.MethodPut, networks+"/entries/198.51.100.0%2F24", `{"reason":"attack"}`, nil, 202)
	if page := f.list(t, networks, nil); len(page.Data) != 0 || len(page.Waiting) != 1 || page.Waiting[0].Value != "198.51.100.0/24" {
		t.Errorf("%+v", page)
	}
	if a := f.call(t, http.MethodPut, networks+"/edits/"+proposed.EditID, "", nil); a.status != 422 || !strings.Contains(string(a.body), "another person") {
		t.Errorf("the author approves: %d %s", a.status, a.body)
	}
	if a := f.call(t, http.MethodPut, networks+"/edits/"+proposed.EditID, "", other); a.status != 404 {
		t.Errorf("another tenant approves: %d %s", a.status, a.body)
	}
	second := header{"Authorization": "Bearer " + secondSecret}
	edited(http.MethodPut, networks+"/edits/"+proposed.EditID, "", second, 200)
	if page := f.list(t, networks, nil); values(page) != "198.51.100.0/24" || page.Data[0].Approver != "analyst" || len(page.Waiting) != 0 {
		t.Errorf("%+v", page)
	}
	dropped := edited(http.MethodDelete, networks+"/entries/198.51.100.0%2F24?reason=over", "", nil, 202)
	if e := edited(http.MethodDelete, networks+"/edits/"+dropped.EditID+"?reason=not+yet", "", second, 200); e.Status != "rejected" {
		t.Errorf("%+v", e)
	}

	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/v1/lists/denied_device", "", 404, "denied_devices"},
		{"GET", "/v1/lists/denied_devices?page=2", "", 400, "after, limit"},
		{"GET", "/v1/lists/denied_devices?limit=0", "", 422, "1 to 1000"},
		{"PUT", "/v1/lists/countries/entries/DE", `{"reason":"x"}`, 422, "editable: true"},
		{"PUT", entries + "dev_9", `{}`, 422, "Give a reason"},
		{"PUT", entries + "dev_9", `{"reason":"x","expires":"2020-01-01T00:00:00Z"}`, 422, "would never count"},
		{"PUT", entries + "dev_9", `{"reason":"x","until":"2020-01-01"}`, 400, "until"},
		{"PUT", entries + "dev_9", `{"reason":"4111 1111 1111 1111"}`, 422, "card number"},
		{"PUT", entries + "4111111111111111", `{"reason":"x"}`, 422, "card number"},
		{"PUT", networks + "/entries/somewhere", `{"reason":"x"}`, 422, "203.0.113.0/24"},
		{"DELETE", entries + "dev_9?reason=x", "", 404, "is not in the list"},
		{"DELETE", entries + "dev_81", "", 422, "Give a reason"},
		{"POST", entries + "dev_81", "{}", 405, "PUT or DELETE"},
		{"PUT", networks + "/edits/none", "", 404, "waits for approval"},
	} {
		if a := f.call(t, c.method, c.path, c.body, nil); a.status != c.status || !strings.Contains(string(a.body), c.says) {
			t.Errorf("%s %s %s: %d %s, want %d and %q", c.method, c.path, c.body, a.status, a.body, c.status, c.says)
		}
	}
}

package topics

import (
	"strings"
	"testing"
	"time"
)

func TestEnvelopeRoundTrip(t *testing.T) {
	full := Envelope{ID: "1-2-0", Source: "weir/payments", Type: "created", Subject: "pay_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b",
		Time: time.Date(2026, 1, 31, 9, 30, 0, 123, time.UTC), Tenant: "acme", Region: "eu", TraceID: "abc", ContentType: "application/json"}
	for _, e := range []Envelope{full, {ID: "i", Source: "s", Type: "t", ContentType: "text/plain"}} {
		got, err := ParseEnvelope(e.Headers())
		if err != nil || got != e {
			t.Errorf("got %+v, %v; want %+v", got, err, e)
		}
	}
	var keys []string
	for _, h := range full.Headers() {
		keys = append(keys, h.Key+"="+string(h.Value))
	}
	const want = "ce_specversion=1.0 ce_id=1-2-0 ce_source=weir/payments ce_type=created ce_subject=pay_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b " +
		"ce_tenant=acme ce_region=eu ce_traceid=abc ce_time=2026-01-31T09:30:00.000000123Z content-type=application/json"
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParseEnvelope(t *testing.T) {
	h := func(pairs ...string) []Header {
		var headers []Header
		for i := 0; i < len(pairs); i += 2 {
			headers = append(headers, Header{pairs[i], []byte(pairs[i+1])})
		}
		return headers
	}
	for _, test := range []struct {
		name    string
		headers []Header
		want    string // the error's beginning; "" for none
	}{
		{"no headers", nil, ""},
		{"headers of others", h("traceparent", "x", "content-type", "application/json"), ""},
		{"id missing", h("ce_specversion", "1.0", "ce_source", "s", "ce_type", "t"), "header ce_id: is missing"},
		{"another version", h("ce_specversion", "0.3", "ce_id", "i", "ce_source", "s", "ce_type", "t"), `header ce_specversion: got "0.3", want "1.0"`},
		{"version missing", h("ce_id", "i", "ce_source", "s", "ce_type", "t"), `header ce_specversion: got "", want "1.0"`},
		{"bad time", h("ce_specversion", "1.0", "ce_id", "i", "ce_source", "s", "ce_type", "t", "ce_time", "yesterday"), "header ce_time: want an RFC 3339 time"},
		{"not UTF-8", h("ce_specversion", "1.0", "ce_id", "\xff"), "header ce_id: want UTF-8"},
		{"too long", h("ce_specversion", "1.0", "ce_id", strings.Repeat("x", MaxHeaderBytes+1)), "header ce_id: want UTF-8 of at most 1024 bytes"},
		{"structured mode", h("content-type", "application/cloudevents+json; charset=utf-8"), "header content-type: structured mode is not read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseEnvelope(test.headers)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

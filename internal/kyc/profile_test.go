package kyc

import (
	"strings"
	"testing"
	"time"
)

// TestUnseenCharacters are refused wherever they stand in a personal field, and none is quoted.
func TestUnseenCharacters(t *testing.T) {
	for text, want := range map[string]string{
		"Erika Mustermann":         "",
		"Özgür D’Souza-Ng":         "",
		"علی\u200cرضا":             "", // Persian takes the non-joiner
		"ශ්\u200dරී":               "",
		"Erika\u2028Mustermann":    "nobody sees",
		"Erika\u202eMustermann":    "nobody sees",
		"\u200b":                   "nobody sees",
		"\u3164":                   "nobody sees",
		"\u2800":                   "nobody sees",
		"\u200d":                   "has no letter",
		"--":                       "has no letter",
		"4111\u200b1111 1111 1111": "nobody sees",
	} {
		p := Personal{Names: []string{text}}
		refusal := p.check(time.Now())
		switch {
		case want == "" && refusal != nil:
			t.Errorf("%q: %s, want it taken", text, refusal.Detail)
		case want != "" && (refusal == nil || !strings.HasPrefix(refusal.Detail, "personal.names[0]: ") || !strings.Contains(refusal.Detail, want)):
			t.Errorf("%q: %+v, want %q", text, refusal, want)
		}
		if p = (Personal{Address: "Heidestr. 17" + text}); strings.Contains(want, "sees") && p.check(time.Now()) == nil {
			t.Errorf("an address with %q is taken", text)
		}
	}
}

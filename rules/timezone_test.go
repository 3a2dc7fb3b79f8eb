package rules

import (
	"regexp"
	"testing"
	"time"
	_ "time/tzdata"
)

func TestTimeZoneCountries(t *testing.T) {
	form := regexp.MustCompile(`^[A-Z]{2}( [A-Z]{2})*$`)
	for zone, countries := range countriesOfZone() {
		if _, err := time.LoadLocation(zone); err != nil {
			t.Errorf("%s is no time zone: %v", zone, err)
		}
		if !form.MatchString(countries) {
			t.Errorf("%s: countries %q", zone, countries)
		}
	}
	for zone, want := range map[string]string{"Europe/Berlin": "DE DK NO SE SJ", "Europe/Stockholm": "SE", "Asia/Calcutta": "IN",
		"America/New_York": "US", "UTC": "", "Mars/Olympus": ""} {
		if got := countriesOfZone()[zone]; got != want {
			t.Errorf("%s: %q, want %q", zone, got, want)
		}
	}
}

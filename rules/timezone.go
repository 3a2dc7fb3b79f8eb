package rules

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed timezones.txt
var timeZones string

var countriesOfZone = sync.OnceValue(timeZoneCountries)

// timeZoneCountries reads the table of timezones.txt: the countries of each IANA time zone, separated by spaces.
func timeZoneCountries() map[string]string {
	countries := make(map[string]string, 600)
	for line := range strings.Lines(timeZones) {
		if zone, of, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok && zone != "#" {
			countries[zone] = of
		}
	}
	return countries
}

// zoneOf is a time zone with these countries, for inline tests; "" where there is none.
func zoneOf(countries string) string {
	first := ""
	for zone, of := range countriesOfZone() {
		if of == countries && (first == "" || zone < first) {
			first = zone
		}
	}
	return first
}

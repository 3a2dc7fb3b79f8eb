package rules

import (
	"fmt"
	"strings"
	"sync"
)

// countries are the codes of ISO 3166-1: those that have a time zone, and the two uninhabited ones.
var countries = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{"BV": true, "HM": true}
	for _, of := range countriesOfZone() {
		for code := range strings.FieldsSeq(of) {
			all[code] = true
		}
	}
	return all
})

// otherNames are what people write for a country that has another code.
var otherNames = map[string]string{
	"UK": "GB", "EN": "GB", "GBR": "GB", "ENG": "GB", "EL": "GR", "GRC": "GR", "USA": "US", "UAE": "AE", "ARE": "AE", "DEU": "DE", "GER": "DE",
	"FRA": "FR", "ESP": "ES", "ITA": "IT", "NLD": "NL", "POL": "PL", "PRT": "PT", "AUT": "AT", "CHE": "CH", "IRL": "IE", "SWE": "SE",
	"DNK": "DK", "NOR": "NO", "FIN": "FI", "BEL": "BE", "TUR": "TR", "RUS": "RU", "UKR": "UA", "CHN": "CN", "JPN": "JP", "IND": "IN",
	"BRA": "BR", "NGA": "NG", "VNM": "VN", "PRK": "KP", "IRN": "IR", "SYR": "SY", "MEX": "MX", "CAN": "CA", "AUS": "AU",
}

// countryLiteral says what is wrong with a country: it does not exist, or is written otherwise.
func countryLiteral(v string) string {
	upper := strings.ToUpper(v)
	switch {
	case countries()[v] || userAssigned(v):
		return ""
	case otherNames[upper] != "":
		return fmt.Sprintf("did you mean %q?", otherNames[upper])
	case countries()[upper]:
		return fmt.Sprintf("did you mean %q?", upper)
	case len(v) == 2 && v == upper:
		return "there is no such country in ISO 3166-1"
	}
	return "it is a country of two capital letters, such as \"DE\""
}

// userAssigned are the codes that ISO 3166-1 leaves to its users, such as XK, which card schemes write for Kosovo.
func userAssigned(v string) bool {
	return len(v) == 2 && (v == "AA" || v == "ZZ" || v >= "QM" && v <= "QZ" || v >= "XA" && v <= "XZ")
}

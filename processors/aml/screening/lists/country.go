package lists

import (
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// alsoCalled are names of countries that lists use besides the usual English ones.
var alsoCalled = map[string]string{
	"russian federation": "RU", "syrian arab republic": "SY", "iran (islamic republic of)": "IR", "islamic republic of iran": "IR", "burma": "MM", "myanmar": "MM",
	"democratic people's republic of korea": "KP", "korea, north": "KP", "dprk": "KP", "republic of korea": "KR", "korea, south": "KR",
	"democratic republic of the congo": "CD", "congo (democratic republic)": "CD", "congo, democratic republic of the": "CD", "congo, republic of the": "CG", "congo": "CG",
	"libyan arab jamahiriya": "LY", "state of libya": "LY", "united states of america": "US", "usa": "US", "uk": "GB", "great britain": "GB",
	"united kingdom of great britain and northern ireland": "GB", "bolivarian republic of venezuela": "VE", "venezuela (bolivarian republic of)": "VE",
	"cote d'ivoire": "CI", "ivory coast": "CI", "viet nam": "VN", "lao people's democratic republic": "LA", "republic of moldova": "MD", "moldova, republic of": "MD",
	"united republic of tanzania": "TZ", "bosnia and herzegovina": "BA", "bosnia-herzegovina": "BA", "hong kong": "HK", "macau": "MO", "palestine": "PS", "palestinian": "PS",
	"west bank": "PS", "occupied palestinian territories": "PS", "state of palestine": "PS", "the bahamas": "BS", "the gambia": "GM", "swaziland": "SZ", "czech republic": "CZ",
	"north macedonia, the republic of": "MK", "macedonia": "MK", "cape verde": "CV", "holy see": "VA", "turkey": "TR", "türkiye": "TR", "brunei darussalam": "BN",
	"people's republic of china": "CN", "taiwan": "TW", "kosovo": "XK", "kosovo, republic of": "XK", "south sudan": "SS", "central african republic": "CF",
	"st kitts and nevis": "KN", "saint kitts and nevis": "KN", "st vincent and the grenadines": "VC", "saint vincent and the grenadines": "VC", "sao tome and principe": "ST",
	"trinidad and tobago": "TT", "antigua and barbuda": "AG", "north korea": "KP", "south korea": "KR", "zaire": "CD", "uae": "AE",
}

// noCountries are codes that ISO 3166-1 has no more, or only reserves.
const noCountries = "AC AN CP CQ CS DG EA EZ FQ IC JT MI NT PC SU TA UN WK YU"

// countryNames are the English names of countries, in lower case, and their codes.
var countryNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	english := display.English.Regions()
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			region, err := language.ParseRegion(code)
			if err != nil || region.String() != code || region.Canonicalize() != region || !region.IsCountry() || strings.Contains(noCountries, code) {
				continue
			}
			names[strings.ToLower(code)] = code
			if name := english.Name(region); name != "" {
				names[plainCountry(name)] = code
			}
		}
	}
	for name, code := range alsoCalled {
		names[plainCountry(name)] = code
	}
	return names
})

// plainCountry is a name of a country as it is looked up.
func plainCountry(name string) string {
	name = strings.ToLower(strings.Join(strings.Fields(name), " "))
	name = strings.NewReplacer("’", "'", "ô", "o", "&", "and", "ü", "u", "ã", "a", "é", "e", "å", "a", "ç", "c", "í", "i").Replace(name)
	return strings.TrimPrefix(name, "the ")
}

// Country is the code of ISO 3166-1 of a country, by its code or its English name.
func Country(text string) (code string, ok bool) {
	code, ok = countryNames()[plainCountry(text)]
	return code, ok
}

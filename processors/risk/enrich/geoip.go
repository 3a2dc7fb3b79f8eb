package enrich

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// readGeoIP returns the reader of a database in MaxMind's format whose type holds one of kinds, such as ASN in
// GeoLite2-ASN. The whole of it is verified: a broken place would otherwise be met by a payment.
func readGeoIP(kinds ...string) func(string, []byte) (content[*maxminddb.Reader], error) {
	return func(path string, data []byte) (c content[*maxminddb.Reader], err error) {
		db, err := maxminddb.OpenBytes(data)
		if err != nil {
			return c, fmt.Errorf("%s is not a whole database in MaxMind's format: %w", path, err)
		}
		m := db.Metadata
		right := false
		for _, kind := range kinds {
			right = right || strings.Contains(m.DatabaseType, kind)
		}
		if !right {
			return c, fmt.Errorf("%s is a database of type %q; want one with %s in its type", path, m.DatabaseType, strings.Join(kinds, " or "))
		}
		if err := db.Verify(); err != nil {
			return c, fmt.Errorf("%s is damaged: %w", path, err)
		}
		return content[*maxminddb.Reader]{value: db, size: int(m.NodeCount), built: m.BuildTime()}, nil
	}
}

// networkOf is the autonomous system of an address, such as AS64500; "" where nothing is known.
func networkOf(db *maxminddb.Reader, a netip.Addr) string {
	var number uint32
	if err := db.Lookup(a).DecodePath(&number, "autonomous_system_number"); err != nil || number == 0 {
		return ""
	}
	return "AS" + strconv.FormatUint(uint64(number), 10)
}

// countryOf is the country of an address; "" where nothing is known.
func countryOf(db *maxminddb.Reader, a netip.Addr) string {
	var code string
	if err := db.Lookup(a).DecodePath(&code, "country", "iso_code"); err != nil || len(code) != 2 {
		return ""
	}
	return code
}

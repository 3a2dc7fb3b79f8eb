package fsck

import "testing"

func TestAttemptsAreChecked(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	f.exec(`INSERT INTO psp_attempts (partition, request, psp, claimed_at) VALUES (0, '0-2-0', 'sandbox', now())`)
	f.exec(`INSERT INTO psp_attempts (partition, request, psp, claimed_at, report) VALUES (0, '0-0-1', 'sandbox', now(), $1)`,
		[]byte(`{"request_id":"0-0-1","psp":"sandbox","outcome":"approved"}`))
	f.wantNone()
	const insert = `INSERT INTO psp_attempts (partition, request, psp, claimed_at, report) `
	for _, c := range []corruption{
		{"a report of nothing", sql(insert + `VALUES (0, '0-1-1', 'sandbox', now(), '\x7b7d')`), []string{"attempt: partition 0: request 0-1-1", `its report is of request ""`}},
		{"a report that is none", sql(insert + `VALUES (0, '0-1-2', 'sandbox', now(), '\x7b')`), []string{"attempt: partition 0: request 0-1-2", "its report"}},
		{"another request's report", sql(insert + `SELECT 0, '0-1-3', psp, claimed_at, report FROM psp_attempts WHERE request = '0-0-1'`),
			[]string{"attempt: partition 0: request 0-1-3", `its report is of request "0-0-1"`}},
		{"another PSP", sql(insert + `SELECT 1, '1-0-1', 'other', claimed_at, convert_to(replace(convert_from(report, 'UTF8'), '0-0-1', '1-0-1'), 'UTF8') FROM psp_attempts WHERE request = '0-0-1'`),
			[]string{"attempt: partition 1: request 1-0-1", "it was asked of other"}},
		{"another partition's request", sql(insert + `VALUES (0, '1-1-1', 'sandbox', now(), NULL)`), []string{"attempt: partition 0: request 1-1-1", "its row is in partition 0"}},
		{"no request", sql(insert + `VALUES (0, 'all', 'sandbox', now(), NULL)`), []string{"attempt: partition 0: request all"}},
		{"a request that nobody made", sql(insert + `VALUES (0, '0-1-0', 'sandbox', now(), NULL)`), []string{"attempt: partition 0: request 0-1-0", "the record at position 1 asks no PSP for it"}},
		{"a request of another record", sql(`UPDATE psp_attempts SET request = '0-2-7' WHERE request = '0-2-0'`), []string{"attempt: partition 0: request 0-2-7", "the record at position 2 asks no PSP for it"}},
		{"asked of somebody else", sql(insert + `VALUES (0, '0-2-0', 'other', now(), NULL)`), []string{"attempt: partition 0: request 0-2-0", "it was asked of other, its event says sandbox"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sub := *f
			sub.t = t
			_, err := f.db.Pool.Exec(t.Context(), `DELETE FROM psp_attempts WHERE request NOT IN ('0-2-0', '0-0-1')`)
			sub.must(err)
			c.check(&sub)
		})
	}
}

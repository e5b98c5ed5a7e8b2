BEGIN TRANSACTION;
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	at VARCHAR(40) NOT NULL, 
	actor TEXT NOT NULL, 
	action VARCHAR(32) NOT NULL, 
	subject TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "audit" VALUES(1,'','','removed','','{}','','5a54f48fead4b8aef8b6c05e366ab6f940bbf9feeaebfc957478215669f4d3a0');
INSERT INTO "audit" VALUES(2,'','','removed','','{}','','9d78c2978769ae9cef8012aa0de4df6c85c87f8d8326a4d0acfeff9137f97d5e');
INSERT INTO "audit" VALUES(3,'','','removed','','{}','','df2873b74b74c13bb766fec7ecd8fa224abcf75721e1181667ea4d0fbc3fc568');
INSERT INTO "audit" VALUES(4,'','','removed','','{}','','898f7b459ec73418e670a3bab9bbc60bab0647344950eea447cc2586ccbdd5be');
INSERT INTO "audit" VALUES(5,'','','removed','','{}','','d8396381c557e815703e671e8e1845f84a85942035e75481756918f634104cf4');
INSERT INTO "audit" VALUES(6,'','','removed','','{}','','90d329ea8c39c7476fa8e7a74eefc1b04d8c2df658439fed456b72ea31e35103');
INSERT INTO "audit" VALUES(7,'','','removed','','{}','','e7b024701514917c5a04d06bb040aee6c5ec53b05c29729147259c1fc6a82ab7');
INSERT INTO "audit" VALUES(8,'','','removed','','{}','','847fdff2fd729f7e82dfb227e7e70ecb5b4a71cc677ee382f96da62b39265339');
INSERT INTO "audit" VALUES(9,'2026-11-01T12:00:00.000+00:00','ann','retention.prune','before 2026-04-15T12:00:00.000+00:00','{"before": "2026-04-15T12:00:00.000+00:00", "entries": 8, "requests": 2, "through": 8}','847fdff2fd729f7e82dfb227e7e70ecb5b4a71cc677ee382f96da62b39265339','128b29a818aa2ca6c1b71e82479b7b562ff050436b3deb0d92af6c17d0263cea');
INSERT INTO "audit" VALUES(10,'2026-11-01T12:00:00.000+00:00','ann','decision','desk','{"decision": "adopt", "row": "c48c7375ffceca5fbf91e16a0963a4818cf73a0d174df03daa8236200c2f7a22", "sha256": "eda15ce4834ac303532bc6973df5ff8a5deb75d7dfceb9fc2cdf1bb450a01cf5", "winner": "strong"}','128b29a818aa2ca6c1b71e82479b7b562ff050436b3deb0d92af6c17d0263cea','afed04c7ffb0eefbad8402c8184efa26199245f6c302563c5dd11932bef3c593');
INSERT INTO "audit" VALUES(11,'2026-11-01T12:00:00.000+00:00','ann','key.create','newkey','{"limits": "{\"requests_per_minute\": null, \"tokens_per_minute\": null, \"money_per_minute\": null, \"money_per_day\": null, \"money_per_month\": null, \"in_flight\": null, \"body_bytes\": null}", "name": "new", "role": "admin", "row": "9ecc69dbcb14242a3103d5e6b10fa05a6429fa800393be2742c5185abafd15ef", "scenarios": "[]"}','afed04c7ffb0eefbad8402c8184efa26199245f6c302563c5dd11932bef3c593','65e5a186bb18f62e6f8a7ccf48639c1a778039e4fd1247859740f4d62a66c9a5');
INSERT INTO "audit" VALUES(12,'2026-11-01T12:00:00.000+00:00','ann','release.create','desk@2','{"certificate": "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss", "certified": true, "fingerprint": "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "row": "10a91e8a5db97f4f629698d2ebfef3df2f6ec124cc21c57c27343aab9dc26078", "solver": "rules"}','65e5a186bb18f62e6f8a7ccf48639c1a778039e4fd1247859740f4d62a66c9a5','74a83df28f941e4196c38248443cc15cc417af654a9810d3fd82beefa7116716');
INSERT INTO "audit" VALUES(13,'2026-11-01T12:00:00.000+00:00','gateway','requests','gateway','{"count": 3, "root": "53d74ecc5d9abe647bad30a9c352c2340730fe1bcbcacc47c19150a33c3a0029"}','74a83df28f941e4196c38248443cc15cc417af654a9810d3fd82beefa7116716','03a703ac58b14469b1ac749d3a00fc7ebc76a1bf19c3978bef6aea4714012e42');
INSERT INTO "audit" VALUES(14,'2026-11-01T12:00:00.000+00:00','key 1','feedback','req_new0','{"at": 1793534400.0, "key": 1, "said": "c8491311ec52ae9560b66e7dc3d65bcc9e1b04ff3d90d7e5bfc437d7ddc952cd"}','03a703ac58b14469b1ac749d3a00fc7ebc76a1bf19c3978bef6aea4714012e42','e593da3ed7e56111f173ce97543bd8a7808a5e8b3aeff46f9a1dd19a6b157bbd');
INSERT INTO "audit" VALUES(15,'2026-11-01T12:00:00.000+00:00','ann','content.erase','req_new1','{"erased": 1}','e593da3ed7e56111f173ce97543bd8a7808a5e8b3aeff46f9a1dd19a6b157bbd','e94a55f019baf08d36f8d3c8eda6fce0920322dac827032e8be965c140be3403');
CREATE TABLE cases (
	dataset_id VARCHAR(32) NOT NULL, 
	pool VARCHAR(8) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	case_key VARCHAR(32) NOT NULL, 
	stratum TEXT NOT NULL, 
	weight FLOAT NOT NULL, 
	ref TEXT NOT NULL, 
	input TEXT NOT NULL, 
	expected TEXT, 
	twin BOOLEAN NOT NULL, 
	PRIMARY KEY (dataset_id, pool, case_id)
)
 WITHOUT ROWID

;
CREATE TABLE datasets (
	id VARCHAR(32) NOT NULL, 
	path TEXT NOT NULL, 
	imported_at VARCHAR(40) NOT NULL, 
	notes TEXT NOT NULL, 
	reading VARCHAR(32), 
	PRIMARY KEY (id)
);
CREATE TABLE decisions (
	id INTEGER NOT NULL, 
	scenario TEXT NOT NULL, 
	dataset_id VARCHAR(32) NOT NULL, 
	decided_at VARCHAR(40) NOT NULL, 
	contract TEXT NOT NULL, 
	record TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "decisions" VALUES(1,'desk','dddddddddddddddddddddddddddddddd','2026-01-05T12:00:00+00:00','cccccccccccccccc','{"headline": "h", "certificate": {"decision": "adopt", "winner": "rules", "sha256": "6c621d1a05138a7888d37d9269a9da8e2e11e4aced2f6cfd24b05ab1b9e61bb0"}}');
INSERT INTO "decisions" VALUES(2,'desk','dddddddddddddddddddddddddddddddd','2026-11-01T12:00:00+00:00','cccccccccccccccc','{"headline": "h", "certificate": {"decision": "adopt", "winner": "strong", "sha256": "eda15ce4834ac303532bc6973df5ff8a5deb75d7dfceb9fc2cdf1bb450a01cf5"}}');
CREATE TABLE feedback (
	seq INTEGER NOT NULL, 
	request_id VARCHAR(32) NOT NULL, 
	at FLOAT NOT NULL, 
	key_id INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "feedback" VALUES(1,'req_new0',1793534400.0,1,'{"score": 1}');
CREATE TABLE keys (
	id INTEGER NOT NULL, 
	public_id VARCHAR(24) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	scenarios TEXT NOT NULL, 
	limits TEXT NOT NULL, 
	created_at VARCHAR(40) NOT NULL, 
	revoked_at VARCHAR(40), 
	PRIMARY KEY (id), 
	UNIQUE (public_id), 
	UNIQUE (hash)
);
INSERT INTO "keys" VALUES(1,'oldkey','d718d4e51b952f9c25122f894ad919361cc4a3853c582b9d21f556c97c4db59b','old','operator','["desk"]','{"requests_per_minute": null, "tokens_per_minute": null, "money_per_minute": null, "money_per_day": null, "money_per_month": null, "in_flight": null, "body_bytes": null}','2026-01-05T12:00:00+00:00',NULL);
INSERT INTO "keys" VALUES(2,'gonekey','a6d1c1d922746f6e97f73511bf2f7b78e578b1407a79351932cfb14cc21cf8ac','gone','operator','["desk"]','{"requests_per_minute": null, "tokens_per_minute": null, "money_per_minute": null, "money_per_day": null, "money_per_month": null, "in_flight": null, "body_bytes": null}','2026-01-05T12:00:00+00:00','2026-01-05T12:00:00+00:00');
INSERT INTO "keys" VALUES(3,'newkey','0b446e1d9810c021f3168fb9136b4885b16ccbd5860f6f3b1e98227f32db3a7a','new','admin','[]','{"requests_per_minute": null, "tokens_per_minute": null, "money_per_minute": null, "money_per_day": null, "money_per_month": null, "in_flight": null, "body_bytes": null}','2026-11-01T12:00:00+00:00',NULL);
CREATE TABLE outcomes (
	solver_id INTEGER NOT NULL, 
	judge VARCHAR(32) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	score FLOAT, 
	output TEXT, 
	confidence FLOAT, 
	abstained BOOLEAN NOT NULL, 
	violations TEXT, 
	reason TEXT NOT NULL, 
	cost_pico BIGINT, 
	latency_s FLOAT, 
	input_tokens INTEGER NOT NULL, 
	output_tokens INTEGER NOT NULL, 
	cached_tokens INTEGER NOT NULL, 
	cpu_s FLOAT NOT NULL, 
	calls INTEGER NOT NULL, 
	retries INTEGER NOT NULL, 
	detail TEXT, 
	asked_at FLOAT NOT NULL, 
	sunk_pico BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (solver_id, judge, case_id)
)
 WITHOUT ROWID

;
CREATE TABLE pointers (
	id INTEGER NOT NULL, 
	scenario TEXT NOT NULL, 
	live INTEGER, 
	canary INTEGER, 
	share INTEGER NOT NULL, 
	history TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (scenario)
);
INSERT INTO "pointers" VALUES(1,'desk',1,NULL,0,'[]');
CREATE TABLE releases (
	id INTEGER NOT NULL, 
	scenario TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	created_at VARCHAR(40) NOT NULL, 
	created_by TEXT NOT NULL, 
	solver TEXT NOT NULL, 
	fingerprint VARCHAR(64) NOT NULL, 
	dataset_id VARCHAR(32) NOT NULL, 
	path TEXT NOT NULL, 
	frozen TEXT NOT NULL, 
	contract TEXT NOT NULL, 
	certificate TEXT NOT NULL, 
	certified BOOLEAN NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (scenario, number)
);
INSERT INTO "releases" VALUES(1,'desk',1,'2026-01-05T12:00:00+00:00','ann','rules','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','dddddddddddddddddddddddddddddddd','/x/desk.yaml','{"economics": {"currency": "USD"}}','cccccccccccccccc','{"sha256": "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"}',1);
INSERT INTO "releases" VALUES(2,'desk',2,'2026-11-01T12:00:00+00:00','ann','rules','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','dddddddddddddddddddddddddddddddd','/x/desk.yaml','{"economics": {"currency": "USD"}}','cccccccccccccccc','{"sha256": "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"}',1);
CREATE TABLE requests (
	seq INTEGER NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	at FLOAT NOT NULL, 
	key_id INTEGER NOT NULL, 
	scenario TEXT NOT NULL, 
	release INTEGER, 
	solver TEXT NOT NULL, 
	status INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	cost_pico BIGINT, 
	input_tokens INTEGER NOT NULL, 
	output_tokens INTEGER NOT NULL, 
	latency_s FLOAT NOT NULL, 
	detail TEXT NOT NULL, 
	content TEXT, 
	leaf VARCHAR(64) NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (id)
);
INSERT INTO "requests" VALUES(1,'req_new0',1793534399.75,1,'desk',1,'rules',200,'answered',7,3,4,0.5,'{"surface": "openai.chat", "model": "scenario/desk", "note": "a note", "content": "c08b2313c5d728a28cf20e121c5e0e9344ef93b0743c65bc327c7629b08f96eb"}','{"input": "said in req_new0", "output": "ok"}','6f08f187b8cec860c707b67f24e5d224291f41e3eabeb8c30435999ca9464929');
INSERT INTO "requests" VALUES(2,'req_new1',1793534399.75,1,'desk',1,'rules',200,'answered',7,3,4,0.5,'{"surface": "openai.chat", "model": "scenario/desk", "note": "a note", "content": "77b7e9ee4c63d469ddd2500eabfa5f51c8e992bcbaedeefa534794475b8a881e"}',NULL,'4cb7975990c4b5df2628cb13b50f1c45d70a4140737ce35994a05147d767d2a7');
INSERT INTO "requests" VALUES(3,'req_new2',1793534399.75,1,'desk',1,'rules',200,'answered',7,3,4,0.5,'{"surface": "openai.chat", "model": "scenario/desk", "note": "a note", "content": "d7f3da76ffb56617047e2858653f2cef8f48b9491d34eddaf2a97890dacbb48f"}','{"input": "said in req_new2", "output": "ok"}','a324144ffd468ed42f8268c95b08850c143956a33dbe5f11cbc5159e02036eeb');
CREATE TABLE rixin_meta (
	name VARCHAR(40) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "rixin_meta" VALUES('schema_version','4');
INSERT INTO "rixin_meta" VALUES('audit_frontier','[15, ["2d898117fd23b1237147fea71da325f860a554c8cc6aff21e2be66e9b048a4d1", "c85ae0c4b28676cfda23037af619cdba377ea9057184c4f621bdb734f54c021c", "9c7f7780b21c94769123a8b86a95c15c36cc9f0f76d139a4103ea3ecbe9fe88e", "2b78dbdfe25f1ed99274ad3f0ece204506210879ba39ff145183238c5bd728fe"]]');
CREATE TABLE solvers (
	id INTEGER NOT NULL, 
	fingerprint VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (fingerprint)
);
CREATE TABLE staged_cases (
	dataset_id VARCHAR(32) NOT NULL, 
	pool VARCHAR(8) NOT NULL, 
	case_id VARCHAR(32) NOT NULL, 
	case_key VARCHAR(32) NOT NULL, 
	stratum TEXT NOT NULL, 
	weight FLOAT NOT NULL, 
	ref TEXT NOT NULL, 
	input TEXT NOT NULL, 
	expected TEXT, 
	twin BOOLEAN NOT NULL
);
CREATE INDEX ix_decisions_scenario ON decisions (scenario, id);
CREATE INDEX ix_requests_at ON requests (at);
CREATE INDEX ix_feedback_request_id ON feedback (request_id);
CREATE INDEX ix_audit_action ON audit (action, seq);
COMMIT;

BEGIN TRANSACTION;
CREATE TABLE answer (
	result INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	command TEXT NOT NULL, 
	exit_status INTEGER, 
	problem TEXT, 
	stdout VARCHAR(64) NOT NULL, 
	stderr VARCHAR(64) NOT NULL, 
	PRIMARY KEY (result, position), 
	FOREIGN KEY(result) REFERENCES result (id) ON DELETE CASCADE
);
INSERT INTO "answer" VALUES(1,0,'number one',0,NULL,'7e332bcee418f7d700927c946d36341f0651d6d90997b58d3d5441dec96b2e74','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(1,1,'number two',NULL,'timed out after 30 s','ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(2,0,'number one',0,NULL,'917df3320d778ddbaa5c5c7742bc4046bf803c36ed2b050f30844ed206783469','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(2,1,'number two',NULL,'timed out after 30 s','ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(4,0,'number one',0,NULL,'7e332bcee418f7d700927c946d36341f0651d6d90997b58d3d5441dec96b2e74','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(4,1,'number two',NULL,'timed out after 30 s','ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(5,0,'number one',0,NULL,'917df3320d778ddbaa5c5c7742bc4046bf803c36ed2b050f30844ed206783469','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(5,1,'number two',NULL,'timed out after 30 s','ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(7,0,'number one',0,NULL,'7e332bcee418f7d700927c946d36341f0651d6d90997b58d3d5441dec96b2e74','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(7,1,'number two',NULL,'timed out after 30 s','ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(8,0,'number one',0,NULL,'917df3320d778ddbaa5c5c7742bc4046bf803c36ed2b050f30844ed206783469','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(8,1,'number two',NULL,'timed out after 30 s','ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(9,0,'number one',0,NULL,'917df3320d778ddbaa5c5c7742bc4046bf803c36ed2b050f30844ed206783469','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(9,1,'number two',NULL,'timed out after 30 s','ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(10,0,'number one',0,NULL,'25d4f2a86deb5e2574bb3210b67bb24fcc4afb19f93a7b65a057daa874a9d18e','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
INSERT INTO "answer" VALUES(10,1,'number two',NULL,'timed out after 30 s','ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f','e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
CREATE TABLE change (
	result INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	body JSON NOT NULL, 
	PRIMARY KEY (result, position), 
	FOREIGN KEY(result) REFERENCES result (id) ON DELETE CASCADE
);
INSERT INTO "change" VALUES(8,0,'{"role": "alpha", "task": "Write", "module": "keyed_file", "subject": "/etc/x", "before": "a", "after": "b"}');
CREATE TABLE finding (
	result INTEGER NOT NULL, 
	control VARCHAR(120) NOT NULL, 
	position INTEGER NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	observed JSON, 
	expected TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	questions JSON NOT NULL, 
	PRIMARY KEY (result, control), 
	FOREIGN KEY(result) REFERENCES result (id) ON DELETE CASCADE
);
INSERT INTO "finding" VALUES(1,'alpha-one',0,'fail',99,'at most 10','is 99','["number one"]');
INSERT INTO "finding" VALUES(1,'alpha-two',1,'pass','{"now": [1, null, "\u00e9"]}','at most 20','','["number two"]');
INSERT INTO "finding" VALUES(1,'beta-metal',2,'notapplicable','null','','container: belongs to the host','[]');
INSERT INTO "finding" VALUES(1,'beta-manual',3,'notselected','null','','not named by alpha-*','[]');
INSERT INTO "finding" VALUES(2,'alpha-one',0,'pass',10,'at most 10','','["number one"]');
INSERT INTO "finding" VALUES(2,'alpha-two',1,'pass','{"now": [1, null, "\u00e9"]}','at most 20','','["number two"]');
INSERT INTO "finding" VALUES(2,'beta-metal',2,'notapplicable','null','','container: belongs to the host','[]');
INSERT INTO "finding" VALUES(2,'beta-manual',3,'notselected','null','','not named by alpha-*','[]');
INSERT INTO "finding" VALUES(3,'alpha-one',0,'error','null','at most 10','no route','[]');
INSERT INTO "finding" VALUES(4,'alpha-one',0,'fail',99,'at most 10','is 99','["number one"]');
INSERT INTO "finding" VALUES(4,'alpha-two',1,'pass','{"now": [1, null, "\u00e9"]}','at most 20','','["number two"]');
INSERT INTO "finding" VALUES(4,'beta-metal',2,'notapplicable','null','','container: belongs to the host','[]');
INSERT INTO "finding" VALUES(4,'beta-manual',3,'notselected','null','','not named by alpha-*','[]');
INSERT INTO "finding" VALUES(5,'alpha-one',0,'pass',10,'at most 10','','["number one"]');
INSERT INTO "finding" VALUES(5,'alpha-two',1,'pass','{"now": [1, null, "\u00e9"]}','at most 20','','["number two"]');
INSERT INTO "finding" VALUES(5,'beta-metal',2,'notapplicable','null','','container: belongs to the host','[]');
INSERT INTO "finding" VALUES(5,'beta-manual',3,'notselected','null','','not named by alpha-*','[]');
INSERT INTO "finding" VALUES(6,'alpha-one',0,'error','null','at most 10','no route','[]');
INSERT INTO "finding" VALUES(7,'alpha-one',0,'fail',99,'at most 10','is 99','["number one"]');
INSERT INTO "finding" VALUES(7,'alpha-two',1,'pass','{"now": [1, null, "\u00e9"]}','at most 20','','["number two"]');
INSERT INTO "finding" VALUES(7,'beta-metal',2,'notapplicable','null','','container: belongs to the host','[]');
INSERT INTO "finding" VALUES(7,'beta-manual',3,'notselected','null','','not named by alpha-*','[]');
INSERT INTO "finding" VALUES(8,'alpha-one',0,'fixed',10,'at most 10','','["number one"]');
INSERT INTO "finding" VALUES(8,'alpha-two',1,'pass','{"now": [1, null, "\u00e9"]}','at most 20','','["number two"]');
INSERT INTO "finding" VALUES(8,'beta-metal',2,'notapplicable','null','','container: belongs to the host','[]');
INSERT INTO "finding" VALUES(8,'beta-manual',3,'notselected','null','','not named by alpha-*','[]');
INSERT INTO "finding" VALUES(9,'alpha-one',0,'pass',10,'at most 10','','["number one"]');
INSERT INTO "finding" VALUES(9,'alpha-two',1,'pass','{"now": [1, null, "\u00e9"]}','at most 20','','["number two"]');
INSERT INTO "finding" VALUES(9,'beta-metal',2,'notapplicable','null','','container: belongs to the host','[]');
INSERT INTO "finding" VALUES(9,'beta-manual',3,'notselected','null','','not named by alpha-*','[]');
INSERT INTO "finding" VALUES(10,'alpha-one',0,'fail',11,'at most 10','is 11','["number one"]');
INSERT INTO "finding" VALUES(10,'alpha-two',1,'pass','{"now": [1, null, "\u00e9"]}','at most 20','','["number two"]');
INSERT INTO "finding" VALUES(10,'beta-metal',2,'notapplicable','null','','container: belongs to the host','[]');
INSERT INTO "finding" VALUES(10,'beta-manual',3,'notselected','null','','not named by alpha-*','[]');
CREATE TABLE output (
	digest VARCHAR(64) NOT NULL, 
	body BLOB NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "output" VALUES('7e332bcee418f7d700927c946d36341f0651d6d90997b58d3d5441dec96b2e74',X'789CB3B4E40200012A007D');
INSERT INTO "output" VALUES('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',X'789C030000000001');
INSERT INTO "output" VALUES('ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f',X'789CFBCF000002000100');
INSERT INTO "output" VALUES('917df3320d778ddbaa5c5c7742bc4046bf803c36ed2b050f30844ed206783469',X'789C3334E002000100006C');
INSERT INTO "output" VALUES('25d4f2a86deb5e2574bb3210b67bb24fcc4afb19f93a7b65a057daa874a9d18e',X'789C3334E402000102006D');
CREATE TABLE result (
	id INTEGER NOT NULL, 
	run VARCHAR(40) NOT NULL, 
	phase VARCHAR(8) NOT NULL, 
	target TEXT NOT NULL, 
	facts JSON, 
	problem TEXT, 
	seconds FLOAT NOT NULL, 
	tasks INTEGER NOT NULL, 
	round_trips INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "result" VALUES(1,'20261001T030000Z-0001','result','web','{"platform": {"family": "debian", "release": "12"}, "traits": ["vm"], "kernel": "6.1", "machine_id": "m1", "operator": "admin", "operator_groups": ["admin", "sudo"], "operator_address": "192.0.2.7", "ssh_ports": [22], "is_root": true, "has_python": true}',NULL,0.5,0,2);
INSERT INTO "result" VALUES(2,'20261001T030000Z-0001','result','db','{"platform": {"family": "debian", "release": "12"}, "traits": ["vm"], "kernel": "6.1", "machine_id": "m2", "operator": "admin", "operator_groups": ["admin", "sudo"], "operator_address": "192.0.2.7", "ssh_ports": [22], "is_root": true, "has_python": true}',NULL,0.5,0,2);
INSERT INTO "result" VALUES(3,'20261001T030000Z-0001','result','dead','null','no route',0.0,0,0);
INSERT INTO "result" VALUES(4,'20261002T030000Z-0002','result','web','{"platform": {"family": "debian", "release": "12"}, "traits": ["vm"], "kernel": "6.1", "machine_id": "m1", "operator": "admin", "operator_groups": ["admin", "sudo"], "operator_address": "192.0.2.7", "ssh_ports": [22], "is_root": true, "has_python": true}',NULL,0.5,0,2);
INSERT INTO "result" VALUES(5,'20261002T030000Z-0002','result','db','{"platform": {"family": "debian", "release": "12"}, "traits": ["vm"], "kernel": "6.1", "machine_id": "m2", "operator": "admin", "operator_groups": ["admin", "sudo"], "operator_address": "192.0.2.7", "ssh_ports": [22], "is_root": true, "has_python": true}',NULL,0.5,0,2);
INSERT INTO "result" VALUES(6,'20261002T030000Z-0002','result','dead','null','no route',0.0,0,0);
INSERT INTO "result" VALUES(7,'20261003T030000Z-0003','before','web','{"platform": {"family": "debian", "release": "12"}, "traits": ["vm"], "kernel": "6.1", "machine_id": "m1", "operator": "admin", "operator_groups": ["admin", "sudo"], "operator_address": "192.0.2.7", "ssh_ports": [22], "is_root": true, "has_python": true}',NULL,0.5,0,2);
INSERT INTO "result" VALUES(8,'20261003T030000Z-0003','result','web','{"platform": {"family": "debian", "release": "12"}, "traits": ["vm"], "kernel": "6.1", "machine_id": "m1", "operator": "admin", "operator_groups": ["admin", "sudo"], "operator_address": "192.0.2.7", "ssh_ports": [22], "is_root": true, "has_python": true}',NULL,0.5,4,2);
INSERT INTO "result" VALUES(9,'20261004T030000Z-0004','result','web','{"platform": {"family": "debian", "release": "12"}, "traits": ["vm"], "kernel": "6.1", "machine_id": "m1", "operator": "admin", "operator_groups": ["admin", "sudo"], "operator_address": "192.0.2.7", "ssh_ports": [22], "is_root": true, "has_python": true}',NULL,0.5,0,2);
INSERT INTO "result" VALUES(10,'20261004T030000Z-0004','result','db','{"platform": {"family": "debian", "release": "12"}, "traits": ["vm"], "kernel": "6.1", "machine_id": "m2", "operator": "admin", "operator_groups": ["admin", "sudo"], "operator_address": "192.0.2.7", "ssh_ports": [22], "is_root": true, "has_python": true}',NULL,0.5,0,2);
CREATE TABLE run (
	id VARCHAR(40) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	started DATETIME NOT NULL, 
	finished DATETIME NOT NULL, 
	operator TEXT NOT NULL, 
	tool_version TEXT NOT NULL, 
	profile TEXT NOT NULL, 
	controls JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "run" VALUES('20261001T030000Z-0001','audit','2026-10-01 03:00:00.000000','2026-10-01 03:00:09.500000','somebody','0.1.0','cis-level1','[{"id": "alpha-one", "title": "A title", "why": "A reason.", "role": "alpha", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}, {"id": "alpha-two", "title": "A title", "why": "A reason.", "role": "alpha", "level": 2, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}, {"id": "alpha-chained", "title": "A title", "why": "A reason.", "role": "alpha", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}, {"id": "beta-manual", "title": "A title", "why": "A reason.", "role": "beta", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": false, "is_manual": true}, {"id": "beta-metal", "title": "A title", "why": "A reason.", "role": "beta", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}]');
INSERT INTO "run" VALUES('20261002T030000Z-0002','audit','2026-10-02 03:00:00.000000','2026-10-02 03:00:09.500000','somebody','0.1.0','cis-level1','[{"id": "alpha-one", "title": "A title", "why": "A reason.", "role": "alpha", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}, {"id": "alpha-two", "title": "A title", "why": "A reason.", "role": "alpha", "level": 2, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}, {"id": "alpha-chained", "title": "A title", "why": "A reason.", "role": "alpha", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}, {"id": "beta-manual", "title": "A title", "why": "A reason.", "role": "beta", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": false, "is_manual": true}, {"id": "beta-metal", "title": "A title", "why": "A reason.", "role": "beta", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}]');
INSERT INTO "run" VALUES('20261003T030000Z-0003','apply','2026-10-03 03:00:00.000000','2026-10-03 03:00:09.500000','somebody','0.1.0','cis-level1','[{"id": "alpha-one", "title": "A title", "why": "A reason.", "role": "alpha", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}, {"id": "alpha-two", "title": "A title", "why": "A reason.", "role": "alpha", "level": 2, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}, {"id": "alpha-chained", "title": "A title", "why": "A reason.", "role": "alpha", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}, {"id": "beta-manual", "title": "A title", "why": "A reason.", "role": "beta", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": false, "is_manual": true}, {"id": "beta-metal", "title": "A title", "why": "A reason.", "role": "beta", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}]');
INSERT INTO "run" VALUES('20261004T030000Z-0004','audit','2026-10-04 03:00:00.000000','2026-10-04 03:00:09.500000','somebody','0.1.0','cis-level1','[{"id": "alpha-one", "title": "A title", "why": "A reason.", "role": "alpha", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}, {"id": "alpha-two", "title": "A title", "why": "A reason.", "role": "alpha", "level": 2, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}, {"id": "alpha-chained", "title": "A title", "why": "A reason.", "role": "alpha", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}, {"id": "beta-manual", "title": "A title", "why": "A reason.", "role": "beta", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": false, "is_manual": true}, {"id": "beta-metal", "title": "A title", "why": "A reason.", "role": "beta", "level": 1, "severity": "medium", "disruption": "none", "references": {"cis-debian12": ["1.2.3"]}, "remedy": "Does it.", "is_remediable": true, "is_manual": false}]');
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(1);
CREATE INDEX ix_run_started ON run (started);
CREATE INDEX ix_result_run ON result (run);
COMMIT;

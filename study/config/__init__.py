"""One YAML file is one study: read, checked, filled in, compared, written.

load.find_study, load.load_study      a file, with overrides, as a record
records.StudyConfig                   the record, with every default
fill.fill, fill.active                one trial's configuration
identity.identity, .differences       whether two configurations are the same study
dump.dump                             a record as a file
"""

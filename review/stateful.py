"""What a replacement or a removal of a resource costs beyond the deployment: what it holds, or whom it serves."""

HOLDS = {
    "AWS::ApiGateway::ApiKey": "the keys that callers hold",
    "AWS::Backup::BackupVault": "its backups",
    "AWS::Cassandra::Keyspace": "its tables",
    "AWS::Cassandra::Table": "its rows",
    "AWS::CertificateManager::Certificate": "the certificate in use",
    "AWS::CloudTrail::EventDataStore": "its events",
    "AWS::CodeArtifact::Repository": "its packages",
    "AWS::CodeCommit::Repository": "its commits",
    "AWS::Cognito::IdentityPool": "its identities",
    "AWS::Cognito::UserPool": "its users",
    "AWS::DataZone::Domain": "its catalogue and projects",
    "AWS::DocDB::DBCluster": "its documents",
    "AWS::DocDB::DBInstance": "its documents",
    "AWS::DynamoDB::GlobalTable": "its items",
    "AWS::DynamoDB::Table": "its items",
    "AWS::EC2::Volume": "its blocks",
    "AWS::EC2::Instance": "what is on its root volume",
    "AWS::ECR::Repository": "its images",
    "AWS::EFS::FileSystem": "its files",
    "AWS::EMR::Cluster": "what is on its nodes",
    "AWS::ElastiCache::CacheCluster": "its entries",
    "AWS::ElastiCache::ReplicationGroup": "its entries",
    "AWS::Elasticsearch::Domain": "its indices",
    "AWS::Events::Archive": "its events",
    "AWS::FSx::FileSystem": "its files",
    "AWS::FSx::Volume": "its files",
    "AWS::Glue::Database": "its tables",
    "AWS::Glue::Table": "its partitions",
    "AWS::KMS::Key": "the key, and so all that is encrypted under it",
    "AWS::KMS::ReplicaKey": "the key, and so all that is encrypted under it",
    "AWS::Kinesis::Stream": "its records",
    "AWS::Logs::LogGroup": "its logs",
    "AWS::MSK::Cluster": "its topics",
    "AWS::MemoryDB::Cluster": "its entries",
    "AWS::Neptune::DBCluster": "its graph",
    "AWS::Neptune::DBInstance": "its graph",
    "AWS::OpenSearchServerless::Collection": "its indices",
    "AWS::OpenSearchService::Domain": "its indices",
    "AWS::Organizations::Account": "the account",
    "AWS::QLDB::Ledger": "its journal",
    "AWS::RDS::DBCluster": "its databases",
    "AWS::RDS::DBInstance": "its databases",
    "AWS::RDS::GlobalCluster": "its databases",
    "AWS::Redshift::Cluster": "its databases",
    "AWS::RedshiftServerless::Namespace": "its databases",
    "AWS::Route53::HostedZone": "its records and name servers",
    "AWS::S3::Bucket": "its objects",
    "AWS::S3Express::DirectoryBucket": "its objects",
    "AWS::S3Tables::Table": "its rows",
    "AWS::S3Tables::TableBucket": "its tables",
    "AWS::SDB::Domain": "its items",
    "AWS::SQS::Queue": "its messages",
    "AWS::SageMaker::Cluster": "what is on its nodes",
    "AWS::SageMaker::Domain": "its profiles and their home directories",
    "AWS::SageMaker::Experiment": "its runs",
    "AWS::SageMaker::FeatureGroup": "its features, those of the online store for good",
    "AWS::SageMaker::Hub": "its models",
    "AWS::SageMaker::Image": "its versions",
    "AWS::SageMaker::MlflowApp": "its experiments and models",
    "AWS::SageMaker::MlflowTrackingServer": "its experiments and models",
    "AWS::SageMaker::ModelCard": "its versions",
    "AWS::SageMaker::ModelPackage": "the version and its approval",
    "AWS::SageMaker::ModelPackageGroup": "its model versions and approvals",
    "AWS::SageMaker::NotebookInstance": "what is on its volume",
    "AWS::SageMaker::PartnerApp": "what its users keep in it",
    "AWS::SageMaker::Space": "what is on its volume",
    "AWS::SageMaker::UserProfile": "its home directory and spaces",
    "AWS::SageMaker::Workforce": "its members",
    "AWS::SecretsManager::Secret": "the secret's value",
    "AWS::Timestream::Database": "its tables",
    "AWS::Timestream::Table": "its records",
}
"""By type: what is lost with it."""

SERVES = {
    "AWS::ApiGateway::RestApi": "callers use its address",
    "AWS::ApiGatewayV2::Api": "callers use its address",
    "AWS::CloudFront::Distribution": "callers use its address",
    "AWS::ECS::Service": "it serves requests",
    "AWS::EKS::Cluster": "it runs workloads",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "callers use its address",
    "AWS::Lambda::Url": "callers use its address",
    "AWS::SageMaker::Endpoint": "it answers requests for predictions",
    "AWS::SageMaker::InferenceComponent": "it answers requests for predictions",
    "AWS::SageMaker::InferenceExperiment": "it takes a share of an endpoint's requests",
    "AWS::SageMaker::MonitoringSchedule": "it watches an endpoint",
}
"""By type: what stops meanwhile."""

# Without a policy of their own CloudFormation keeps a snapshot of these.
SNAPSHOT_BY_DEFAULT = frozenset({"AWS::RDS::DBCluster", "AWS::RDS::DBInstance"})


def is_stateful(kind: str) -> bool:
    return kind in HOLDS


def is_watched(kind: str) -> bool:
    """Whether what happens to it is a finding."""
    return kind in HOLDS or kind in SERVES
